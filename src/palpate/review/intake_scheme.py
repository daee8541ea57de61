"""Which landmarks a project has: those of the predictions, the labels and the protocol."""

from dataclasses import replace

from palpate.errors import ConfigError, SchemeError
from palpate.protocols.protocol import PROTOCOLS, Protocol, read_protocol
from palpate.scheme import LandmarkScheme


def project_scheme(
    labelled: LandmarkScheme | None,
    predicted: LandmarkScheme | None,
    protocol: Protocol | None,
) -> LandmarkScheme:
    """Return the scheme that a project is read with.

    Predictions decide, for a store keeps them as they are; else the protocol, with the landmarks
    that are labelled beside its own; else the labels. Pairs and edges come from the protocol
    where the rest names none.

    Args:
        labelled: of a study; None where nothing is annotated.
        predicted: of a predictions file; None where there is none.
        protocol: what is measured; None where only points are set.

    Raises:
        ConfigError: nothing says which landmarks there are, or the protocol measures one that the
            predictions do not have.
        SchemeError: a label is of a landmark that the predictions do not have.

    Example:
        >>> project_scheme(None, None, read_protocol("cervical")).name
        'cervical'
    """
    if predicted is not None:
        return _predicted(labelled, predicted, protocol)
    if protocol is None:
        if labelled is None:
            raise ConfigError(
                "nothing says which landmarks are to be set: name a protocol with --protocol "
                "('palpate protocols' lists them), or give a study that is annotated"
            )
        return labelled
    own = protocol.scheme
    if labelled is None or set(labelled.names) <= set(own.names):
        return own
    names = (*own.names, *(name for name in labelled.names if name not in own.names))
    return LandmarkScheme(labelled.name, names, own.mirror, own.edges, own.dimension)


def _predicted(
    labelled: LandmarkScheme | None, predicted: LandmarkScheme, protocol: Protocol | None
) -> LandmarkScheme:
    for name in () if labelled is None else labelled.names:
        if name not in predicted.names:
            raise SchemeError(
                f"the study is labelled with {name!r}, which the predictions do not have; review "
                "the predictions alone, or the study without them"
            )
    for quantity in () if protocol is None else protocol.quantities:
        for name in quantity.needs():
            if name not in predicted.names:
                raise ConfigError(
                    f"{quantity.name!r} of protocol {protocol.name if protocol else ''!r} needs "
                    f"landmark {name!r}, which the predictions do not have; choose another protocol"
                )
    known = protocol.scheme if protocol is not None else labelled
    if known is None or set(known.names) != set(predicted.names):
        return predicted
    return replace(
        predicted, mirror=predicted.mirror or known.mirror, edges=predicted.edges or known.edges
    )


def protocol_like(scheme: LandmarkScheme) -> Protocol | None:
    """Return the shipped protocol that a scheme is of, by name and landmarks; None if of none.

    Example:
        >>> protocol_like(read_protocol("satco").scheme).name
        'satco'
    """
    if scheme.name not in PROTOCOLS:
        return None
    protocol = read_protocol(scheme.name)
    return protocol if set(protocol.scheme.names) <= set(scheme.names) else None
