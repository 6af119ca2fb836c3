"""What collectors of OpenTelemetry are told."""
