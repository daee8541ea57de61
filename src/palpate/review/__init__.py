"""Reviews: cases in a queue, marks that people set, events that are only ever appended.

In the flow: Prediction, Report -> **review** -> corrected labels, signed reports. No web and no
torch in here: ``palpate.serve`` shows what this room holds.
"""
