"""Services over what the other rooms do: ``web`` for readers, ``dicom`` for archives."""
