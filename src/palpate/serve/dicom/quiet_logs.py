"""Libraries that write what they send into their logs are held back.

pynetdicom logs the identifiers of queries at INFO, dicomweb-client and urllib3 log addresses with
what was searched for: names and numbers of patients must not come into a log that way.
"""

import logging

LOGGER = logging.getLogger("palpate.dicom")


def hold_logs() -> None:
    """Hold the libraries' logs back, whatever the root logger is set to.

    What fails is told by ourselves; pynetdicom would add the text of whatever broke.
    """
    from pynetdicom import _config

    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False
    for name in ("pynetdicom", "dicomweb_client", "urllib3", "retrying", "pydicom"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
