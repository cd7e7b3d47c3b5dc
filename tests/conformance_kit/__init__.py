"""The conformance kit for payment methods, proved: a method that passes everything, and one saboteur for every check."""
