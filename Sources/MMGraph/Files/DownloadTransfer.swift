internal import MMCore
internal import MMHTTP

/// Downloads a file into a draft, resuming after lost connections and expired URLs.
struct DownloadTransfer {
    let client: GraphClient
    let request: GraphRequest
    let draft: DownloadDraft
    /// The service's description of the file; `nil` if there is none.
    let file: RemoteFile?
    let deadline: Deadline
    let report: @Sendable (TransferProgress) -> Void

    private var faults = 0
    /// The size of the whole file, once it is known.
    private var total: Int?
    /// The version (`ETag`) that the first part belongs to, if the service named one.
    private var etag: String?

    private static let mostFaults = 8
    /// The number of bytes that are collected before they are written.
    private static let block = 1 << 20

    init(
        client: GraphClient, request: GraphRequest, draft: DownloadDraft, file: RemoteFile?, deadline: Deadline,
        report: @escaping @Sendable (TransferProgress) -> Void
    ) {
        self.client = client
        self.request = request
        self.draft = draft
        self.file = file
        self.deadline = deadline
        self.report = report
        total = file?.size
    }

    /// Downloads until the draft is complete.
    mutating func run() async throws(MMError) {
        var wasBroken = draft.count > 0
        while true {
            try await fetch()
            guard let hash = file?.hash, try await draft.checksum() != hash else { return }
            // The parts may belong to two versions of the file, so download it once more in one piece.
            try draft.restart()
            guard wasBroken || faults > 0 else {
                throw MMError(
                    .remoteFailed,
                    "The download of \(request.target.path) doesn't match the service's checksum.",
                    hint: "Download it again; it may just have been changed.", retry: .now)
            }
            (wasBroken, faults) = (false, 0)
        }
    }

    private mutating func fetch() async throws(MMError) {
        if let total, draft.count > total { try draft.restart() }
        while total.map({ draft.count < $0 }) ?? true {
            try deadline.check("fetching \(request.target.path)")
            let start = draft.count
            do throws(MMError) {
                guard let body = try await open(from: start) else { continue }
                try await read(body)
                guard let total, draft.count < total else { return }
                try await pause(after: Self.incomplete(request), progressed: draft.count > start && canContinue)
            } catch {
                guard error.retry != .never, ![.cancelled, .limitExceeded].contains(error.code) else { throw error }
                try await pause(after: error, progressed: draft.count > start && canContinue)
            }
        }
    }

    /// Whether it would show that the rest of the file belongs to another version than its first part.
    private var canContinue: Bool { etag != nil || file?.hash != nil }

    /// Requests the rest of the file.
    /// - Returns: `nil` when the request has to be repeated.
    private mutating func open(from start: Int) async throws(MMError) -> HTTPBody? {
        var headers = request.headers
        guard start == 0 || canContinue else {
            try draft.restart()
            return nil
        }
        if start > 0 {
            headers["Range"] = "bytes=\(start)-"
            if let etag { headers["If-Range"] = etag }
        }
        let asked = try GraphRequest(method: request.method, target: request.target, headers: headers)
        let response: GraphResponse
        do throws(MMError) {
            response = try await client.send(asked, deadline: deadline, delivery: .streamed)
        } catch {
            guard start > 0, error.details["status"]?.int == 416 else { throw error }
            try draft.restart()
            return nil
        }
        if start == 0 || response.status != 206 || !Self.begins(response, at: start) {
            // What comes is the whole file, which may have changed since its first part.
            if start > 0 { try draft.restart() }
            (etag, total) = (response.etag, file?.size)
        }
        if total == nil, let length = response.header("Content-Length").flatMap({ Int($0) }), length >= 0,
            response.header("Content-Encoding") == nil
        {
            let (sum, isImpossible) = draft.count.addingReportingOverflow(length)
            if !isImpossible { total = sum }
        }
        return response.stream ?? HTTPBody([response.body])
    }

    private static func begins(_ response: GraphResponse, at start: Int) -> Bool {
        response.header("Content-Range").map { $0.hasPrefix("bytes \(start)-") } ?? false
    }

    private func read(_ body: HTTPBody) async throws(MMError) {
        var iterator = body.makeAsyncIterator()
        var gathered: [UInt8] = []
        var failure: HTTPError?
        reading: while true {
            do throws(HTTPError) {
                guard let piece = try await iterator.next() else { break reading }
                gathered += piece
            } catch {
                failure = error
                break reading
            }
            guard gathered.count >= Self.block else { continue }
            try await keep(&gathered)
        }
        try await keep(&gathered)
        if let failure { throw failure.mmError(for: "The download of \(request.target.path)") }
    }

    private func keep(_ gathered: inout [UInt8]) async throws(MMError) {
        guard !gathered.isEmpty else { return }
        if let total, draft.count + gathered.count > total {
            throw MMError(
                .remoteFailed, "The download of \(request.target.path) is larger than its \(total) bytes.",
                hint: "Download it again; it may just have been changed.")
        }
        try await draft.append(gathered)
        gathered.removeAll(keepingCapacity: true)
        report(TransferProgress(done: draft.count, total: total))
    }

    private mutating func pause(after error: MMError, progressed: Bool) async throws(MMError) {
        faults = progressed ? 1 : faults + 1
        guard faults <= Self.mostFaults else { throw error }
        let asked: Duration = if case .after(let wait) = error.retry { wait } else { .zero }
        let wait = max(asked, RetryPolicy.backoff(faults, client.jitter()))
        guard wait < deadline.remaining else { throw error }
        report(
            TransferProgress(done: draft.count, total: total, waiting: "continuing in \(wait.components.seconds) s"))
        do { try await client.pause(wait) } catch { throw MMError(.cancelled, "The download was cancelled.") }
    }

    private static func incomplete(_ request: GraphRequest) -> MMError {
        MMError(
            .unavailable, "The download of \(request.target.path) ended before it was complete.",
            hint: "Check the network.", retry: .now)
    }
}
