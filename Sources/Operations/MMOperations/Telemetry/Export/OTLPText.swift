import MMCore

/// Writes OTLP as JSON (opentelemetry-proto, “OTLP/HTTP JSON”): lower camel case, ids in hexadecimal digits, 64-bit numbers as
/// texts, enumerations as numbers.
struct OTLPText {
    private let resource: JSONValue
    private let scope: JSONValue = ["name": "microsoft-master", "version": .string(ProductVersion.text)]

    init(resource: [(key: String, value: String)]) {
        self.resource = ["attributes": Self.attributes(resource.map { ($0.key, .string($0.value)) })]
    }

    /// An `ExportTraceServiceRequest`.
    func traces(_ spans: [EndedSpan]) -> [UInt8] {
        JSONWriter.bytes([
            "resourceSpans": [
                [
                    "resource": resource,
                    "scopeSpans": [["scope": scope, "spans": .array(spans.map(Self.span))]],
                ]
            ]
        ])
    }

    /// An `ExportMetricsServiceRequest`.
    /// - Parameters:
    ///   - families: the metrics.
    ///   - begun: since when counters count.
    ///   - now: when they were read.
    func metrics(_ families: [MetricFamily], since begun: Timestamp, at now: Timestamp) -> [UInt8] {
        let times: JSONObject = ["startTimeUnixNano": Self.nano(begun), "timeUnixNano": Self.nano(now)]
        return JSONWriter.bytes([
            "resourceMetrics": [
                [
                    "resource": resource,
                    "scopeMetrics": [
                        ["scope": scope, "metrics": .array(families.map { Self.metric($0, times) })]
                    ],
                ]
            ]
        ])
    }

    private static func span(_ span: EndedSpan) -> JSONValue {
        var json: JSONObject = [
            "traceId": .string(span.context.trace), "spanId": .string(span.context.span), "name": .string(span.name),
            "kind": .int(span.kind.rawValue), "startTimeUnixNano": nano(span.begun),
            "endTimeUnixNano": nano(span.begun + span.lasted), "attributes": attributes(span.attributes),
            // Unset (0) where all went well: only failures have a status of their own.
            "status": span.fault.map { ["code": 2, "message": .string($0)] } ?? [:],
        ]
        if let parent = span.parent { json["parentSpanId"] = .string(parent) }
        if let state = span.context.state { json["traceState"] = .string(state) }
        return .object(json)
    }

    private static func metric(_ family: MetricFamily, _ times: JSONObject) -> JSONValue {
        var json: JSONObject = ["name": .string(family.name), "description": .string(family.help)]
        func points(_ samples: [MetricFamily.Sample]) -> JSONValue {
            .array(
                samples.map { sample in
                    var point = times
                    point["attributes"] = attributes(sample.labels.map { ($0.0, .string($0.1)) })
                    point["asDouble"] = .double(sample.value)
                    return .object(point)
                })
        }
        // 2 is cumulative: values count from the start of the process.
        switch family.samples {
        case .counter(let samples):
            json["sum"] = ["dataPoints": points(samples), "aggregationTemporality": 2, "isMonotonic": true]
        case .gauge(let samples): json["gauge"] = ["dataPoints": points(samples)]
        case .histogram(let all):
            var point = times
            let below = all.buckets.reduce(0, +)
            point["count"] = .string("\(all.count)")
            point["sum"] = .double(all.sum)
            point["bucketCounts"] = .array((all.buckets + [all.count - below]).map { .string("\($0)") })
            point["explicitBounds"] = .array(all.bounds.map { .double($0) })
            json["histogram"] = ["dataPoints": [.object(point)], "aggregationTemporality": 2]
        }
        return .object(json)
    }

    private static func attributes(_ attributes: [(key: String, value: JSONValue)]) -> JSONValue {
        .array(attributes.map { ["key": .string($0.key), "value": value($0.value)] })
    }

    private static func value(_ value: JSONValue) -> JSONValue {
        switch value {
        case .string: ["stringValue": value]
        case .bool: ["boolValue": value]
        case .int(let number): ["intValue": .string("\(number)")]
        case .double: ["doubleValue": value]
        default: ["stringValue": .string(JSONWriter.string(value))]
        }
    }

    private static func nano(_ time: Timestamp) -> JSONValue {
        let digits = String(time.nanoseconds)
        return .string("\(time.seconds)" + String(repeating: "0", count: 9 - digits.utf8.count) + digits)
    }
}
