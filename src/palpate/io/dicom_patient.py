"""A patient without the number: what links the films of one person."""

import hashlib


def patient_hash(patient: str) -> str:
    """Return what stands for a PatientID: 16 digits of its SHA-256.

    It links films without showing the number, and is no anonymisation: see
    :class:`palpate.io.dicom.DicomHeader`.

    Example:
        >>> patient_hash("12345")
        '5994471abb01112a'
    """
    return hashlib.sha256(patient.strip().encode("utf-8")).hexdigest()[:16]
