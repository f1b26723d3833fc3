package import MMCore
package import MMHTTP
import MMSystem

/// Traces and metrics of this process, sent to a collector over OTLP. Calls never wait for it: what ends goes into a queue with a
/// bound, and a task of its own sends it.
package final class Telemetry: Sendable {
    /// What is sent, as far as that is known.
    private struct State {
        var work: Task<Void, Never>?
        var metrics: (@Sendable () async -> [MetricFamily])?
        var fault: String?
        /// Whether the collector didn't answer last, or was too busy.
        var isAway = false
        var sent = 0
        /// How many dropped spans the log knows of.
        var told = 0
        var isClosed = false
    }

    /// Begins spans.
    package let tracer: Tracer
    private let settings: TelemetrySettings
    private let traces: CollectorSender?
    private let metrics: CollectorSender?
    private let text: OTLPText
    private let log: Log
    private let clock: WallClock
    private let begun: Timestamp
    private let wake: WakeSignal
    private let absence: CollectorAbsence?
    private let state = Mutex(State())

    /// The rest between two tries of one batch.
    private static let rests: [Duration] = [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8)]

    /// Prepares to send; nothing is sent before the first span has ended.
    /// - Parameter absence: what processes of this user tell each other of a collector that takes nothing.
    package init(
        _ settings: TelemetrySettings, over transport: any HTTPTransport, log: Log, clock: WallClock = .system,
        absence: CollectorAbsence? = nil
    ) {
        self.absence = absence
        let wake = WakeSignal()
        self.wake = wake
        self.settings = settings
        self.log = log.from("telemetry")
        self.clock = clock
        begun = clock.now
        text = OTLPText(resource: settings.resource)
        traces = settings.traces.map { CollectorSender(to: $0, over: transport) }
        metrics = settings.metrics.map { CollectorSender(to: $0, over: transport) }
        tracer = Tracer(
            sampler: settings.sampler, limit: settings.queueLimit, batch: settings.batch, clock: clock,
            isDue: { wake.set() })
    }

    /// Reads the environment.
    /// - Returns: `nil` where nothing is to be sent; a variable that can't be used is told in the log.
    package static func standard(environment: [String: String], paths: StatePaths, log: Log) -> Telemetry? {
        do throws(MMError) {
            guard let settings = try TelemetrySettings(environment: environment) else { return nil }
            var network = HTTPClientConfiguration(environment: environment)
            network.threadName = "mm-telemetry"
            network.connectTimeout = .seconds(5)
            return Telemetry(
                settings, over: HTTPClient(configuration: network), log: log,
                absence: CollectorAbsence(path: paths.stateDirectory + "/collector-away"))
        } catch {
            log.from("telemetry").error("no traces and metrics are sent: \(error.message)")
            return nil
        }
    }

    /// Begins the span of a call.
    package func begin(_ operation: String, under parent: TraceContext?) -> Span? {
        guard traces != nil else { return nil }
        start()
        return tracer.begin(operation, .server, under: parent)
    }

    /// Sends metrics at regular times.
    /// - Parameter read: what they are.
    package func sendMetrics(_ read: @escaping @Sendable () async -> [MetricFamily]) {
        guard metrics != nil else { return }
        state.withLock { $0.metrics = read }
        start()
    }

    /// What a person should know: what was sent, lost, and why.
    package var report: JSONObject {
        let (sent, fault) = state.withLock { ($0.sent, $0.fault) }
        var report: JSONObject = [
            "spansSent": .int(Int64(sent)), "spansWaiting": .int(Int64(tracer.waiting)),
            "spansDropped": .int(Int64(tracer.dropped)),
        ]
        if let url = settings.traces?.url { report["traces"] = .string(url) }
        if let url = settings.metrics?.url { report["metrics"] = .string(url) }
        if let fault { report["fault"] = .string(fault) }
        return report
    }

    /// Sends what waits, and ends. A collector that takes nothing is not waited for: each command of a terminal is a process of its
    /// own.
    /// - Parameter limit: how long that may take; the rest is lost.
    package func close(within limit: Duration = .seconds(2)) async {
        let (work, isAway, isNew): (Task<Void, Never>?, Bool, Bool) = state.withLock { state in
            state.isClosed = true
            return (state.work, state.isAway, state.sent == 0)
        }
        guard let work else { return }
        let isKnown = isNew && absence?.isKnown(at: clock.now) == true
        let isCut = Mutex(false)
        let deadline = Task { [wake] in
            if !isAway, !isKnown { guard (try? await Task.sleep(for: limit)) != nil else { return } }
            isCut.withLock { $0 = true }
            work.cancel()
            wake.set()
        }
        wake.set()
        await work.value
        deadline.cancel()
        if !isKnown, isCut.withLock({ $0 }) || state.withLock(\.isAway) { absence?.note(at: clock.now) }
        if tracer.waiting > 0 { log.warning("\(tracer.waiting) spans were not sent before the end") }
    }

    private func start() {
        state.withLock { state in
            guard state.work == nil, !state.isClosed else { return }
            state.work = Task.detached { [self] in await run() }
        }
    }

    private func run() async {
        var nextMetrics = ContinuousClock.now + settings.metricInterval
        while !Task.isCancelled {
            let isLast = state.withLock(\.isClosed)
            if let traces { await sendSpans(traces) }
            tellDropped()
            if isLast || ContinuousClock.now >= nextMetrics {
                await sendFamilies()
                nextMetrics = .now + settings.metricInterval
            }
            if isLast { return }
            await wake.wait(atMost: min(settings.delay, max(nextMetrics - .now, .milliseconds(1))))
        }
    }

    private func sendSpans(_ sender: CollectorSender) async {
        while !Task.isCancelled {
            let spans = tracer.removeFirst(settings.batch)
            guard !spans.isEmpty else { return }
            if await isDelivered(text.traces(spans), by: sender) {
                state.withLock { $0.sent += spans.count }
            } else {
                tracer.lose(spans.count)
            }
        }
    }

    /// Tells the log of spans that found no room while the collector was slow or away.
    private func tellDropped() {
        let dropped = tracer.dropped
        let new = state.withLock { state in
            defer { state.told = dropped }
            return dropped - state.told
        }
        guard new > 0 else { return }
        log.warning("\(new) spans were dropped: more ended than the collector took (OTEL_BSP_MAX_QUEUE_SIZE)")
    }

    private func sendFamilies() async {
        guard let metrics, let read = state.withLock({ $0.metrics }) else { return }
        // A later reading holds all that an earlier one did: it is not sent again.
        note(await metrics.send(text.metrics(await read(), since: begun, at: clock.now)))
    }

    private func isDelivered(_ body: [UInt8], by sender: CollectorSender) async -> Bool {
        var rests = Self.rests[...]
        while true {
            let outcome = await sender.send(body)
            note(outcome)
            switch outcome {
            case .accepted: return true
            case .refused: return false
            case .later(_, let asked):
                // Whoever waits for the end of the process waits for no second try.
                guard !state.withLock(\.isClosed), let rest = rests.popFirst(), !Task.isCancelled else { return false }
                guard (try? await Task.sleep(for: asked ?? rest)) != nil else { return false }
            }
        }
    }

    /// Tells the log of the first of several failures, and of the end of them.
    private func note(_ outcome: CollectorSender.Outcome) {
        let (fault, isAway): (String?, Bool) =
            switch outcome {
            case .accepted: (nil, false)
            case .refused(let reason): (reason, false)
            case .later(let reason, _): (reason, true)
            }
        let was: String? = state.withLock { state in
            defer { (state.fault, state.isAway) = (fault, isAway) }
            return state.fault
        }
        if let fault, was == nil { log.warning("the collector takes nothing: \(fault)") }
        if fault == nil, was != nil { log.info("the collector takes traces and metrics again") }
    }
}

/// Wakes a task that waits for work, or for a time to pass.
final class WakeSignal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// There is work.
    func set() { continuation.yield() }

    /// Returns when there is work, when the time has passed, or when the task is cancelled.
    func wait(atMost limit: Duration) async {
        let timer = Task { [continuation] in
            if (try? await Task.sleep(for: limit)) != nil { continuation.yield() }
        }
        var iterator = stream.makeAsyncIterator()
        await iterator.next()
        timer.cancel()
    }
}

/// A note that a collector took nothing, so that the commands of the next minute don't wait for it one by one.
package struct CollectorAbsence: Sendable {
    private let path: String
    private static let age = Duration.seconds(60)

    /// The note of a user's processes.
    package init(path: String) { self.path = path }

    /// Whether it took nothing a moment ago.
    func isKnown(at now: Timestamp) -> Bool {
        guard let bytes = try? ProtectedFile.read(path, limit: 64),
            let seconds = Int64(String(decoding: bytes, as: UTF8.self))
        else { return false }
        let noted = Timestamp(seconds: seconds)
        return noted <= now && now - noted < Self.age
    }

    /// Notes that it takes nothing.
    func note(at now: Timestamp) {
        // Where that can't be written, the next command waits as this one did.
        try? ProtectedFile.replace(path, with: Array("\(now.seconds)".utf8), durable: false)
    }
}

/// Sends batches to a collector over HTTP, again after a rest where it is worth it.
struct CollectorSender: Sendable {
    /// What became of a batch.
    enum Outcome: Sendable {
        case accepted
        /// It would be refused again.
        case refused(String)
        /// It may be accepted later.
        case later(String, after: Duration?)
    }

    private let transport: any HTTPTransport
    private let destination: TelemetrySettings.Destination

    init(to destination: TelemetrySettings.Destination, over transport: any HTTPTransport) {
        (self.destination, self.transport) = (destination, transport)
    }

    /// Sends a batch once.
    func send(_ body: [UInt8]) async -> Outcome {
        var headers: HTTPHeaders = ["Content-Type": "application/json"]
        for (name, value) in destination.headers { headers.set(name, value) }
        var request = HTTPRequest(
            method: "POST", url: destination.url, headers: headers, body: body, timeout: destination.timeout,
            maxResponseBytes: 1 << 20, allowsPlainHTTP: true)
        // A collector in the same cluster is reached so; what is sent holds no secrets but the owner's own headers.
        request.allowsPlainHTTPToOtherHosts = destination.headers.isEmpty
        do throws(HTTPError) {
            let response = try await transport.send(request)
            switch response.status {
            case 200..<300: return .accepted
            // Those that the specification calls retryable.
            case 429, 502, 503, 504:
                let rest = response.headers["Retry-After"].flatMap { Int64($0) }.map { Duration.seconds(min($0, 300)) }
                return .later("it answered \(response.status)", after: rest)
            default: return .refused("it answered \(response.status)")
            }
        } catch {
            return .later(error.message, after: nil)
        }
    }
}

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
