package import MMCore
package import MMHTTP
import MMSystem

/// Sends traces and metrics of this process to a collector with OTLP. Calls never wait for it: ended spans go into a
/// bounded queue, which a separate task sends.
package final class Telemetry: Sendable {
    /// The state of sending.
    private struct State {
        var work: Task<Void, Never>?
        var metrics: (@Sendable () async -> [MetricFamily])?
        var fault: String?
        /// Whether the collector didn't answer the last request, or was too busy.
        var isAway = false
        var sent = 0
        /// The number of spans that the collector didn't take.
        var lost = 0
        /// The number of dropped spans that were logged.
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

    /// The delays between attempts to send one batch.
    private static let rests: [Duration] = [.milliseconds(500), .seconds(1), .seconds(2), .seconds(4), .seconds(8)]

    /// Creates the exporter; nothing is sent before the first span has ended.
    /// - Parameter absence: a note, shared by the user's processes, that the collector can't be reached.
    package init(
        _ settings: TelemetrySettings, over transport: any HTTPTransport, log: Log, clock: WallClock = .system,
        absence: CollectorAbsence?
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
    /// - Returns: `nil` where nothing is to be sent; an invalid variable is logged.
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
            log.from("telemetry").error("traces and metrics are not sent: \(error.message)")
            return nil
        }
    }

    /// Begins the span of a call.
    package func begin(_ operation: String, under parent: TraceContext?) -> Span? {
        guard traces != nil else { return nil }
        start()
        return tracer.begin(operation, .server, under: parent)
    }

    /// Sends metrics at regular intervals.
    /// - Parameter read: returns the metrics.
    package func sendMetrics(_ read: @escaping @Sendable () async -> [MetricFamily]) {
        guard metrics != nil else { return }
        state.withLock { $0.metrics = read }
        start()
    }

    /// A report for the user: the spans sent and lost, and the last error.
    package var report: JSONObject {
        let (sent, lost, fault) = state.withLock { ($0.sent, $0.lost, $0.fault) }
        var report: JSONObject = [
            "spansSent": .int(Int64(sent)), "spansWaiting": .int(Int64(tracer.waiting)),
            "spansDropped": .int(Int64(tracer.dropped + lost)),
        ]
        if let url = settings.traces?.url { report["traces"] = .string(url) }
        if let url = settings.metrics?.url { report["metrics"] = .string(url) }
        if let fault { report["fault"] = .string(fault) }
        return report
    }

    /// Sends the waiting spans and closes. It doesn't wait for a collector that can't be reached, since each terminal
    /// command is a process of its own.
    /// - Parameter limit: the maximum time; spans that are not sent by then are lost.
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
        if tracer.waiting > 0 { log.warning("\(tracer.waiting) spans could not be sent before the process ended") }
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
            let rejected = await deliver(text.traces(spans), by: sender)
            let lost = min(rejected ?? spans.count, spans.count)
            state.withLock { state in
                state.sent += spans.count - lost
                state.lost += lost
            }
        }
    }

    /// Logs spans that were dropped because the queue was full.
    private func tellDropped() {
        let dropped = tracer.dropped
        let new = state.withLock { state in
            defer { state.told = dropped }
            return dropped - state.told
        }
        guard new > 0 else { return }
        log.warning("\(new) spans were dropped, because the queue was full (OTEL_BSP_MAX_QUEUE_SIZE)")
    }

    private func sendFamilies() async {
        guard let metrics, let read = state.withLock({ $0.metrics }) else { return }
        // Metrics are cumulative, so a failed report is not sent again: the next one includes it.
        note(await metrics.send(text.metrics(await read(), since: begun, at: clock.now)))
    }

    /// Sends a batch until the collector takes it.
    /// - Returns: how many of its entries the collector rejected; `nil` if it didn't take the batch.
    private func deliver(_ body: [UInt8], by sender: CollectorSender) async -> Int? {
        var rests = Self.rests[...]
        while true {
            let outcome = await sender.send(body)
            note(outcome)
            switch outcome {
            case .accepted(let remark): return remark?.rejected ?? 0
            case .refused: return nil
            case .later(_, let asked):
                // While the process is closing, there is no second attempt.
                guard !state.withLock(\.isClosed), let rest = rests.popFirst(), !Task.isCancelled else { return nil }
                guard (try? await Task.sleep(for: asked ?? rest)) != nil else { return nil }
            }
        }
    }

    /// Logs the first of several failures, and the end of the failures.
    private func note(_ outcome: CollectorSender.Outcome) {
        let (fault, isAway): (String?, Bool) =
            switch outcome {
            case .accepted(let remark): (remark?.text, false)
            case .refused(let reason): (reason, false)
            case .later(let reason, _): (reason, true)
            }
        let was: String? = state.withLock { state in
            defer { (state.fault, state.isAway) = (fault, isAway) }
            return state.fault
        }
        if let fault, was == nil { log.warning("the collector doesn't accept all data: \(fault)") }
        if fault == nil, was != nil { log.info("the collector accepts traces and metrics again") }
    }
}

/// Wakes a task that waits for work or a timeout.
final class WakeSignal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() { (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1)) }

    /// Signals that there is work.
    func set() { continuation.yield() }

    /// Returns when there is work, after the timeout, or when the task is cancelled.
    func wait(atMost limit: Duration) async {
        let timer = Task { [continuation] in
            if (try? await Task.sleep(for: limit)) != nil { continuation.yield() }
        }
        var iterator = stream.makeAsyncIterator()
        await iterator.next()
        timer.cancel()
    }
}

/// A note that a collector can't be reached, so that the commands of the next minute don't each wait for it.
package struct CollectorAbsence: Sendable {
    private let path: String
    private static let age = Duration.seconds(60)

    /// Creates access to the note of a user's processes.
    package init(path: String) { self.path = path }

    /// Whether the collector couldn't be reached a moment ago.
    func isKnown(at now: Timestamp) -> Bool {
        guard let bytes = try? ProtectedFile.read(path, limit: 64),
            let seconds = Int64(String(decoding: bytes, as: UTF8.self))
        else { return false }
        let noted = Timestamp(seconds: seconds)
        return noted <= now && now - noted < Self.age
    }

    /// Records that the collector can't be reached.
    func note(at now: Timestamp) {
        // If the note can't be written, the next command waits as well.
        try? ProtectedFile.replace(path, with: Array("\(now.seconds)".utf8), durable: false)
    }
}

/// What a collector says of a batch that it took: that it rejected a part of it, or a warning (OTLP, “Partial
/// Success”). The rejected part must not be sent again.
struct PartialSuccess: Sendable {
    /// The number of rejected spans or data points.
    let rejected: Int
    /// The remark as a sentence without a subject.
    let text: String

    /// Reads the answer of a collector.
    /// - Returns: `nil` if it took everything and has no remark, or if the answer can't be read.
    init?(answer: [UInt8]) {
        guard let json = (try? JSONParser.parse(answer))?["partialSuccess"] else { return nil }
        let number = json["rejectedSpans"] ?? json["rejectedDataPoints"]
        // 64-bit numbers are texts in OTLP's JSON, but readers accept both.
        rejected = max(0, number?.int ?? number?.string.flatMap { Int($0) } ?? 0)
        let message = VisibleText.exact(String((json["errorMessage"]?.string ?? "").prefix(200)))
        guard rejected > 0 || !message.isEmpty else { return nil }
        let end = message.isEmpty ? "" : ": \(message)"
        text = rejected > 0 ? "it rejected a part (\(rejected))\(end)" : "it took it with a warning\(end)"
    }
}

/// Sends batches to a collector over HTTP.
struct CollectorSender: Sendable {
    /// The outcome of sending a batch.
    enum Outcome: Sendable {
        /// The collector took the batch, perhaps with a remark.
        case accepted(PartialSuccess?)
        /// The batch would be refused again.
        case refused(String)
        /// The batch may be accepted later.
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
        // A collector in the same cluster is reached over plain HTTP. That is allowed if no headers of the owner are
        // sent, the only secrets.
        request.allowsPlainHTTPToOtherHosts = destination.headers.isEmpty
        do throws(HTTPError) {
            let response = try await transport.send(request)
            switch response.status {
            case 200..<300: return .accepted(PartialSuccess(answer: response.body))
            // The statuses that the specification calls retryable.
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

/// Writes OTLP as JSON (opentelemetry-proto, “OTLP/HTTP JSON”): lower camel case, ids in hexadecimal, 64-bit numbers as
/// strings, enumerations as numbers.
struct OTLPText {
    private let resource: JSONValue
    private let scope: JSONValue = ["name": "microsoft-master", "version": .string(ProductVersion.text)]

    init(resource: [(key: String, value: String)]) {
        self.resource = ["attributes": Self.attributes(resource.map { ($0.key, .string($0.value)) })]
    }

    /// Returns an `ExportTraceServiceRequest`.
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

    /// Returns an `ExportMetricsServiceRequest`.
    /// - Parameters:
    ///   - families: the metrics.
    ///   - begun: the time from which counters count.
    ///   - now: the time of the reading.
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
            // The status is unset (0) unless the span failed.
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
