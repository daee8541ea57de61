"""A real Orthanc with DICOMweb on free ports, for tests; started in about a second."""

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import httpx

PLUGIN = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
TITLE = "ORTHANC"


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Orthanc:
    """A running archive; ``stop`` and ``start`` keep its ports and its store."""

    def __init__(self, program: str, folder: Path, *, modalities=()):
        self.program = program
        self.folder = folder
        self.http = free_port()
        self.dicom = free_port()
        self.process = None
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "orthanc.json").write_text(json.dumps(self._settings(modalities)))

    def _settings(self, modalities):
        return {
            "Name": "TEST",
            "StorageDirectory": str(self.folder / "store"),
            "IndexDirectory": str(self.folder / "store"),
            "Plugins": [PLUGIN],
            "HttpPort": self.http,
            "RemoteAccessAllowed": False,
            "AuthenticationEnabled": False,
            "DicomAet": TITLE,
            "DicomPort": self.dicom,
            "DicomAlwaysAllowStore": True,
            "DicomAlwaysAllowFind": True,
            "DicomAlwaysAllowGet": True,
            "DicomAlwaysAllowMove": True,
            "DicomModalities": {title: [title, "127.0.0.1", port] for title, port in modalities},
            "OverwriteInstances": False,
            "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "Ssl": False},
        }

    @property
    def web(self) -> str:
        return f"http://127.0.0.1:{self.http}/dicom-web"

    @property
    def rest(self) -> str:
        return f"http://127.0.0.1:{self.http}"

    def start(self) -> "Orthanc":
        # The log goes to a file: a full pipe would hold the server up.
        with (self.folder / "orthanc.log").open("ab") as log:
            self.process = subprocess.Popen(
                [self.program, str(self.folder / "orthanc.json")], stdout=log, stderr=log
            )
        for _ in range(300):
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "orthanc.log").read_text()[-2000:])
            try:
                httpx.get(f"{self.rest}/system").raise_for_status()
                return self
            except httpx.HTTPError:
                time.sleep(0.05)
        raise RuntimeError("Orthanc does not start")

    def kill(self) -> None:
        """As when the power goes: nothing is said to whoever is connected."""
        if self.process is not None:
            os.kill(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def instances(self) -> list[str]:
        """SOPInstanceUIDs of all that it holds."""
        found = httpx.get(f"{self.rest}/instances?expand").json()
        return [one["MainDicomTags"]["SOPInstanceUID"] for one in found]
