package import MMCore

/// The destinations of traces and metrics, from the variables of the OpenTelemetry specification (“Environment Variable
/// Specification”). Nothing is sent unless an endpoint is named.
package struct TelemetrySettings: Sendable {
    /// The destination of one signal.
    struct Destination: Sendable, Hashable {
        let url: String
        let headers: [(name: String, value: String)]
        let timeout: Duration

        static func == (left: Destination, right: Destination) -> Bool { left.url == right.url }
        func hash(into hasher: inout Hasher) { hasher.combine(url) }
    }

    let traces: Destination?
    let metrics: Destination?
    /// The attributes that describe this process.
    let resource: [(key: String, value: String)]
    let sampler: TraceSampler
    let queueLimit: Int
    let batch: Int
    let delay: Duration
    let metricInterval: Duration

    /// Reads the variables.
    /// - Returns: `nil` where nothing is to be sent.
    /// - Throws: `invalidInput` or `unsupported` with the name of the variable.
    package init?(environment: [String: String]) throws(MMError) {
        let variables = Variables(environment)
        guard variables["OTEL_SDK_DISABLED"]?.lowercased() != "true" else { return nil }
        traces = try variables.destination(of: "TRACES", path: "v1/traces")
        metrics = try variables.destination(of: "METRICS", path: "v1/metrics")
        guard traces != nil || metrics != nil else { return nil }
        resource = try Self.resource(variables)
        sampler = try TraceSampler(
            name: variables["OTEL_TRACES_SAMPLER"], argument: variables["OTEL_TRACES_SAMPLER_ARG"])
        queueLimit = try variables.number("OTEL_BSP_MAX_QUEUE_SIZE", 1...1_000_000) ?? 2048
        batch = min(queueLimit, try variables.number("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 1...100_000) ?? 512)
        delay = .milliseconds(try variables.number("OTEL_BSP_SCHEDULE_DELAY", 1...3_600_000) ?? 5000)
        metricInterval = .milliseconds(
            try variables.number("OTEL_METRIC_EXPORT_INTERVAL", 10...86_400_000) ?? 60_000)
    }

    /// Whether a variable holds secrets, which programs in sessions must not inherit.
    package static func isSecret(_ name: String) -> Bool {
        name.hasPrefix("OTEL_EXPORTER_OTLP") && name.hasSuffix("HEADERS")
    }

    private static func resource(_ variables: Variables) throws(MMError) -> [(key: String, value: String)] {
        var resource = [
            ("service.name", "microsoft-master"), ("service.version", ProductVersion.text),
            ("service.instance.id", RandomBytes.uuid()), ("telemetry.sdk.name", "microsoft-master"),
            ("telemetry.sdk.language", "swift"), ("telemetry.sdk.version", ProductVersion.text),
        ]
        func set(_ key: String, _ value: String) {
            resource.removeAll { $0.0 == key }
            resource.append((key, value))
        }
        for (key, value) in try variables.pairs("OTEL_RESOURCE_ATTRIBUTES") { set(key, value) }
        if let name = variables["OTEL_SERVICE_NAME"] { set("service.name", name) }
        return resource.map { (key: $0.0, value: $0.1) }
    }

    /// The variables of a process; empty ones count as unset.
    private struct Variables {
        private let environment: [String: String]

        init(_ environment: [String: String]) { self.environment = environment }

        subscript(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }

        /// Returns the variable of a signal, or else the one for all signals.
        private func value(_ signal: String, _ word: String) -> (name: String, value: String)? {
            for name in ["OTEL_EXPORTER_OTLP_\(signal)_\(word)", "OTEL_EXPORTER_OTLP_\(word)"] {
                if let value = self[name] { return (name, value) }
            }
            return nil
        }

        func destination(of signal: String, path: String) throws(MMError) -> Destination? {
            if let exporter = self["OTEL_\(signal)_EXPORTER"], exporter != "otlp" {
                guard exporter == "none" else {
                    throw MMError(
                        .unsupported, "OTEL_\(signal)_EXPORTER can't be `\(exporter.prefix(40))`.",
                        hint: "Use otlp or none.")
                }
                return nil
            }
            guard let endpoint = value(signal, "ENDPOINT") else { return nil }
            if let wire = value(signal, "PROTOCOL"), wire.value != "http/json" {
                throw MMError(
                    .unsupported, "\(wire.name) can't be `\(wire.value.prefix(40))`: mm sends OTLP only as JSON.",
                    hint: "Set it to http/json, which collectors accept on the same port as http/protobuf (4318).")
            }
            guard CollectorAddress.isOne(endpoint.value) else {
                throw MMError(
                    .invalidInput, "\(endpoint.name) is not an http or https address.",
                    hint: "For example http://127.0.0.1:4318 or https://collector.example.com:4318.")
            }
            // The endpoint of one signal is used as it is; the endpoint for all signals gets the signal's path
            // appended.
            let isOwn = endpoint.name.hasSuffix("_\(signal)_ENDPOINT")
            let base = endpoint.value.hasSuffix("/") ? endpoint.value : endpoint.value + "/"
            let headers = try value(signal, "HEADERS").map { (entry) throws(MMError) in try pairs(entry.name) } ?? []
            let timeout = try value(signal, "TIMEOUT").flatMap { (entry) throws(MMError) in
                try number(entry.name, 1...3_600_000)
            }
            return Destination(
                url: isOwn ? endpoint.value : base + path, headers: headers,
                timeout: .milliseconds(timeout ?? 10_000))
        }

        func number(_ name: String, _ range: ClosedRange<Int>) throws(MMError) -> Int? {
            try EnvironmentNumber.read(name, of: environment, in: range, "a whole number")
        }

        /// Reads `key=value,key=value`, percent-encoded (W3C Baggage).
        func pairs(_ name: String) throws(MMError) -> [(name: String, value: String)] {
            guard let text = self[name] else { return [] }
            var pairs: [(name: String, value: String)] = []
            for part in text.split(separator: ",") {
                let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
                // The value may be a secret, so the error does not repeat it.
                guard pair.count == 2, let key = Self.decoded(pair[0]), let value = Self.decoded(pair[1]), !key.isEmpty
                else {
                    throw MMError(
                        .invalidInput, "\(name) is not a list of key=value pairs.",
                        hint: "Separate pairs by commas, and write commas within values as %2C.")
                }
                pairs.append((key, value))
            }
            return pairs
        }

        private static func decoded(_ text: Substring) -> String? {
            var text = text
            while text.first?.isWhitespace == true { text.removeFirst() }
            while text.last?.isWhitespace == true { text.removeLast() }
            return PercentCoding.decode(text.utf8)
        }
    }
}
