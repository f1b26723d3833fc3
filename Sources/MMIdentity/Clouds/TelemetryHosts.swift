/// Where modules and programs send figures about themselves. Nothing depends on an answer, so a refusal needs no word.
package enum TelemetryHosts {
    private static let names = [
        "dc.services.visualstudio.com", "rt.services.visualstudio.com", "dc.applicationinsights.azure.com",
        "dc.applicationinsights.microsoft.com", "events.data.microsoft.com", "pipe.aria.microsoft.com",
        "vortex.data.microsoft.com", "in.applicationinsights.azure.com",
    ]

    /// Whether a host, with or without a port, is one of them.
    package static func contain(_ host: String) -> Bool {
        let name = host.prefix { $0 != ":" }.lowercased()
        return names.contains { name == $0 || name.hasSuffix("." + $0) }
    }
}
