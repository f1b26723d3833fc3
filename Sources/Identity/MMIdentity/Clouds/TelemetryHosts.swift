/// The hosts that modules and programs send telemetry to. Nothing depends on the responses, so requests can be refused
/// silently.
package enum TelemetryHosts {
    private static let names = [
        "dc.services.visualstudio.com", "rt.services.visualstudio.com", "dc.applicationinsights.azure.com",
        "dc.applicationinsights.microsoft.com", "events.data.microsoft.com", "pipe.aria.microsoft.com",
        "vortex.data.microsoft.com", "in.applicationinsights.azure.com",
    ]

    /// Returns whether a host, with or without a port, is a telemetry host.
    package static func contains(_ host: String) -> Bool {
        let name = host.prefix { $0 != ":" }.lowercased()
        return names.contains { name == $0 || name.hasSuffix("." + $0) }
    }
}
