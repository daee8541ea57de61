"""DICOM services: films in by C-STORE, C-GET or DICOMweb; reports out by C-STORE or STOW-RS."""
