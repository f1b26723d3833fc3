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
