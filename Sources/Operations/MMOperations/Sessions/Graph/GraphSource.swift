import MMCore
import MMGraph
import MMGuard
import MMIdentity
import MMNative

/// The cmdlets of Graph's modules as requests: no module is loaded, and each request is judged and noted as what it is.
///
/// One source serves one script: what broke it once stops every cmdlet after it.
final class GraphSource: ScriptSource {
    private struct State {
        var failure: MMError?
        var writes: [String] = []
        var information: [String] = []
        var causes: [NativeError: MMError] = [:]
    }

    private let client: GraphClient
    private let watch: WriteWatch
    private let decision: GuardDecision
    private let deadline: Deadline
    private let host: NativeHost?
    private let binder = GraphBinder()
    private let state = Mutex(State())

    /// A source for one script.
    /// - Parameters:
    ///   - watch: sends the requests and notes what they change.
    ///   - decision: what the guard said of the script: what it asks about has been confirmed.
    ///   - deadline: when to give up.
    ///   - host: takes files.
    ///   - report: is told in a sentence when the service asks to slow down.
    init(
        _ watch: WriteWatch, decision: GuardDecision, deadline: Deadline, host: NativeHost?,
        report: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.watch = watch
        self.decision = decision
        self.host = host
        self.deadline = deadline
        client = watch.client.reportingWaits(to: report)
    }

    var failure: MMError? { state.withLock { $0.failure } }
    var writes: [String] { state.withLock { $0.writes } }
    var causes: [NativeError: MMError] { state.withLock { $0.causes } }
    var information: [String] { state.withLock { $0.information } }

    func knows(_ name: String) -> Bool { binder.knows(name) }

    func check(_ call: CmdletCall) throws(CmdletFault) {
        // What comes down the pipeline may name the object.
        guard !call.takesInput || call.input != nil else { return }
        _ = try bound(call)
    }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        let bound = try bound(call)
        if let failure { throw .failed(ExchangeRecord.of(failure, cmdlet: call.name)) }
        let request: GraphRequest
        do throws(MMError) { request = try bound.request(at: client) } catch {
            throw .failed(GraphRecord.of(error, bound))
        }
        if bound.isPreview {
            let line = "What if: \(request.method) \(request.target.path)"
            return PreviewRows(batch: CmdletBatch([], information: [line]))
        }
        try check(request, bound)
        return GraphRows(
            source: self, call: bound, request: request, errorAction: bound.errorAction ?? call.errorPreference)
    }

    private func bound(_ call: CmdletCall) throws(CmdletFault) -> GraphCmdletCall {
        do throws(GraphBinder.Fault) { return try binder.bind(call) } catch {
            switch error {
            case .refused(let record): throw .failed(record)
            case .beyond(let reason): throw .handedOver(reason)
            }
        }
    }

    /// Holds a request against what the script was let through for.
    private func check(_ request: GraphRequest, _ call: GraphCmdletCall) throws(CmdletFault) {
        let guarding = watch.requests.guarding
        let policy = guarding.policy(of: watch.connection, in: watch.context)
        let verdict: Verdict
        do throws(MMError) {
            verdict = try guarding.guards.engine().judge(request.guarded, policy: policy)
        } catch {
            throw .failed(GraphRecord.of(error, call))
        }
        guard verdict.decision > decision else { return }
        let error = MMError(
            .denied,
            "\(call.cmdlet) would send \(request.method) \(request.target.path), which the script's text doesn't show: it was "
                + "not sent.",
            hint: "Write the path out in the script, so that it is asked about before it runs.")
        note(failure: error)
        throw .interrupted(PipelineStop(refusedWith: ExchangeRecord.of(error, cmdlet: call.cmdlet)))
    }

    // MARK: Sending

    /// Sends a request that may change something, and notes it.
    func send(_ request: GraphRequest, _ call: GraphCmdletCall) async throws(MMError) -> GraphResponse {
        var notes: [String] = []
        let writes = await watch.writes([request])
        if writes.contains(where: { $0.change != nil }) || request.method != "GET" {
            state.withLock { $0.writes.append(call.cmdlet) }
        }
        let result: Result<GraphResponse, MMError>
        do throws(MMError) {
            let client = client
            let deadline = deadline
            result = .success(
                try await watch.sending(writes, notes: &notes) { () async throws(MMError) in
                    try await client.send(request, deadline: deadline)
                })
        } catch {
            result = .failure(error)
        }
        let told = notes
        if !told.isEmpty { state.withLock { $0.information += told } }
        return try result.get()
    }

    /// The pages of a read.
    func pages(_ request: GraphRequest, _ limits: PageLimits) -> GraphPages {
        client.pages(request, limits: limits, deadline: deadline)
    }

    /// Puts an answer into a file of the run.
    func keep(_ bytes: [UInt8], as path: String) { host?.keep(bytes, as: path) }

    func note(cause: MMError, of record: NativeError) {
        state.withLock { state in
            if state.causes.count < ReportedError.most { state.causes[record] = cause }
        }
    }

    func note(failure: MMError) {
        state.withLock { state in
            if state.failure == nil { state.failure = failure }
        }
    }
}

/// A source of cmdlets whose requests a script's answer tells of.
protocol ScriptSource: CmdletSource {
    /// What broke the script, if anything did.
    var failure: MMError? { get }
    /// The cmdlets that were sent and may have changed something, in order.
    var writes: [String] { get }
    /// What the records of refused cmdlets were made of.
    var causes: [NativeError: MMError] { get }
    /// What was said to the person.
    var information: [String] { get }
}

extension ExchangeSource: ScriptSource {}

/// Rows that were known before anything was sent.
private struct PreviewRows: CmdletRows {
    var batch: CmdletBatch?

    mutating func next() async throws(CmdletFault) -> CmdletBatch? {
        defer { batch = nil }
        return batch
    }
}

/// Error records of requests to Graph.
enum GraphRecord {
    /// The record of a refused request, with the service's own code.
    static func of(_ error: MMError, _ call: GraphCmdletCall) -> NativeError {
        let code = error.details["code"]?.string ?? error.code.word
        let message = error.details["serviceMessage"]?.string ?? error.message
        let name = call.cmdlet.filter { $0 != "-" }
        return NativeError(
            "\(code),Microsoft.Graph.PowerShell.Cmdlets.\(name)", "[\(code)] : \(message)",
            category: error.code == .notFound ? "ObjectNotFound" : "InvalidOperation", command: call.cmdlet,
            isReadable: true)
    }
}

/// The names of Graph's cmdlets, for those who only ask whether a script fits.
struct GraphCmdletList: CmdletSource {
    private let binder = GraphBinder()

    func knows(_ name: String) -> Bool { binder.knows(name) }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        throw .handedOver("the command \(call.name)")
    }
}
