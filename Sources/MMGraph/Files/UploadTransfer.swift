internal import MMCore
internal import MMHTTP
internal import MMIdentity

/// Sends a file through an upload session piece by piece, resuming after lost connections and expired sessions.
struct UploadTransfer {
    private let client: GraphClient
    private let upload: FileUpload
    private let memory: UploadMemory
    private let deadline: Deadline
    private let report: @Sendable (TransferProgress) -> Void

    private var sessions = 0
    /// The number of faults since the service last accepted a piece.
    private var faults = 0
    /// Whether the last byte was sent, so that the file may be complete even without an answer that says so.
    private var sentLast = false

    private static let maxSessions = 4
    private static let mostFaults = 10

    private var file: FileReader { upload.file }

    init(
        _ upload: FileUpload, client: GraphClient, deadline: Deadline,
        report: @escaping @Sendable (TransferProgress) -> Void
    ) {
        self.upload = upload
        self.client = client
        self.deadline = deadline
        self.report = report
        let links = ConnectionLinks(.uploads, of: client.connection, paths: client.identity.paths)
        memory = UploadMemory(of: upload, in: links, clock: client.clock)
    }

    /// Sends the file.
    /// - Returns: the service's description of the file; empty if it returns none.
    mutating func run() async throws(MMError) -> [UInt8] {
        let lock = try memory.claim()
        try memory.sweep()
        let body: [UInt8]
        do throws(MMError) {
            body = try await transfer()
        } catch {
            throw resumable(error)
        }
        try memory.forget()
        _ = consume lock
        return body
    }

    private mutating func transfer() async throws(MMError) -> [UInt8] {
        var session: UploadSession?
        var next = 0
        var answer: UploadSession.Answer?
        if let kept = try memory.address() {
            let found = try UploadSession(kept, client: client, request: upload.request)
            // The session of an earlier process may have expired; then a new one is opened.
            if case .expects(let place) = await found.status(deadline: deadline), place <= file.size {
                (session, answer) = (found, .expects(place))
                sentLast = place == file.size
            }
        }
        while true {
            try deadline.check("sending \(file.path)")
            guard let open = session else {
                sessions += 1
                session = try await begin()
                (next, answer) = (0, nil)
                continue
            }
            switch answer {
            case nil:
                report(TransferProgress(done: next, total: file.size))
                let end = min(next + min(client.uploadPiece, upload.largestPiece), file.size)
                let bytes = try await file.read(next..<end)
                try file.checkUnchanged()
                sentLast = sentLast || end == file.size
                answer = await open.send(bytes, at: next, of: file.size, deadline: deadline)
                // Treat an answer without progress as a fault, so that the loop ends.
                if case .expects(let place)? = answer, place <= next { answer = .unsure(wait: nil) }
                try checkCancellation()
            case .expects(let place):
                if place > next { faults = 0 }
                // If the service has all bytes but doesn't report the file as complete, ask again.
                (next, answer) = (place, place < file.size ? nil : .unsure(wait: nil))
            case .complete(let body):
                report(TransferProgress(done: file.size, total: file.size))
                return body
            case .unsure(let wait):
                try await pause(wait)
                answer = await open.status(deadline: deadline)
                try checkCancellation()
            case .gone:
                try memory.forget()
                if sentLast, let body = try await client.identical(to: upload, deadline: deadline) { return body }
                guard sessions < Self.maxSessions else {
                    throw MMError(
                        .remoteFailed, "\(client.service.rawValue) ended the upload session \(sessions) times.",
                        hint: "Try again later.", retry: .after(.seconds(60)))
                }
                if sentLast, upload.conflict == .rename || upload.way == .attachmentSession {
                    throw MMError(
                        .remoteFailed, "All of “\(file.name)” was sent, but the service did not confirm it.",
                        hint: "Check whether it exists before you send it again.")
                }
                session = nil
            case .refused(let error):
                try memory.forget()
                throw error
            }
        }
    }

    private mutating func begin() async throws(MMError) -> UploadSession {
        let value = try await opened().json()
        guard let text = value["uploadUrl"]?.string else {
            throw MMError(
                .remoteFailed, "\(client.service.rawValue) opened no upload session for \(upload.request.target.path).")
        }
        let address = Secret(text)
        let session = try UploadSession(address, client: client, request: upload.request)
        try memory.keep(address, until: value["expirationDateTime"]?.string.flatMap { Timestamp(iso8601: $0) })
        return session
    }

    /// Opens a session. A session whose answer was lost does no harm, so the request is repeated.
    private mutating func opened() async throws(MMError) -> GraphResponse {
        while true {
            do throws(MMError) {
                return try await client.send(upload.request, deadline: deadline)
            } catch {
                let isTransient = [.unavailable, .remoteFailed].contains(error.code)
                guard isTransient, error.details["status"]?.int.map({ $0 >= 500 }) ?? true, faults < 3 else {
                    throw error
                }
                try await pause(nil)
            }
        }
    }

    private mutating func pause(_ asked: Duration?) async throws(MMError) {
        faults += 1
        guard faults <= Self.mostFaults else {
            throw MMError(
                .unavailable,
                "The upload of “\(file.name)” was interrupted \(faults) times without progress.",
                hint: "Check the network.", retry: .now)
        }
        let backoff = RetryPolicy.backoff(faults, client.jitter())
        let wait = max(asked ?? .zero, faults == 1 && asked == nil ? .zero : backoff)
        guard wait < deadline.remaining else { throw deadline.exceeded("waiting to continue “\(file.name)”") }
        if wait >= .seconds(1) {
            report(
                TransferProgress(done: 0, total: file.size, waiting: "continuing in \(wait.components.seconds) s"))
        }
        do { try await client.pause(wait) } catch { throw Self.cancelled }
    }

    private func checkCancellation() throws(MMError) {
        if Task.isCancelled { throw Self.cancelled }
    }

    private static let cancelled = MMError(.cancelled, "The upload was cancelled.")

    /// Adds to an error that the upload can be continued, while a session is open.
    private func resumable(_ error: MMError) -> MMError {
        guard (try? memory.address()) != nil, ![.denied, .forbidden].contains(error.code) else { return error }
        var error = error
        error.hint = [error.hint, "Repeat the call to continue."].compactMap(\.self)
            .joined(separator: " ")
        return error
    }
}

/// The stored state of an upload session, so that an upload can continue after its process was killed.
///
/// The URL of a session grants write access, so the file is private, and it is removed when the upload ends. Files of
/// killed processes are removed when the next upload begins.
struct UploadMemory: Sendable {
    private let directory: String
    private let path: String
    private let clock: WallClock

    /// The maximum lifetime of a stored session if the service doesn't name its expiry.
    private static let longest = Duration.seconds(7 * 86_400)

    /// Creates the memory of one upload.
    /// - Parameters:
    ///   - upload: the upload; the same file and destination have the same state, until the file changes.
    ///   - links: the links of the upload's connection.
    init(of upload: FileUpload, in links: ConnectionLinks, clock: WallClock) {
        directory = links.directory
        path = links.path(of: [
            .string(upload.request.target.service.rawValue), .string(upload.request.target.pathAndQuery),
            .string(upload.conflict.rawValue), .object(upload.file.identity),
        ])
        self.clock = clock
    }

    /// Locks the upload for this process.
    /// - Throws: `.conflict` when another process sends the same file to the same place.
    func claim() throws(MMError) -> FileLock {
        guard let lock = try FileLock.tryAcquire(path) else {
            throw MMError(
                .conflict, "This upload is already running (\(FileLock.holder(of: path) ?? "another process")).",
                hint: "Wait for it to end.")
        }
        return lock
    }

    /// Returns the URL of the stored session, while it may still be open.
    func address() throws(MMError) -> Secret? {
        guard let bytes = try ProtectedFile.read(path, limit: 64 << 10), let kept = try? JSONParser.parse(bytes),
            let address = kept["uploadUrl"]?.string,
            let end = kept["expires"]?.string.flatMap({ Timestamp(iso8601: $0) }), end > clock.now
        else { return nil }
        return Secret(address)
    }

    /// Stores the URL of a new session.
    func keep(_ address: Secret, until end: Timestamp?) throws(MMError) {
        let latest = clock.now + Self.longest
        let kept: JSONValue = [
            "uploadUrl": .string(address.reveal()), "expires": .string(min(end ?? latest, latest).iso8601),
        ]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(kept), durable: false)
    }

    /// Removes the stored session, which has ended.
    func forget() throws(MMError) { try ProtectedFile.remove(path) }

    /// Removes the files that earlier processes left of sessions that have ended.
    func sweep() throws(MMError) {
        let names = try FolderListing.names(in: directory).map { $0.hasSuffix(".lock") ? $0.dropLast(5) : $0[...] }
        for name in Set(names) where name.hasSuffix(".json") {
            let found = directory + "/" + name
            guard found != path, hasEnded(found), let lock = try FileLock.tryAcquire(found) else { continue }
            // Another process may have begun to use it meanwhile.
            if hasEnded(found) {
                try ProtectedFile.remove(found)
                try ProtectedFile.remove(found + ".lock")
            }
            _ = consume lock
        }
    }

    private func hasEnded(_ found: String) -> Bool {
        let kept = (try? ProtectedFile.read(found, limit: 64 << 10)).flatMap { try? JSONParser.parse($0) }
        let end = kept?["expires"]?.string.flatMap { Timestamp(iso8601: $0) }
        return (end ?? clock.now) <= clock.now
    }
}

/// An open upload session, which receives the pieces of a file ("Upload large files with an upload session").
///
/// Its URL carries its own authorisation. No credential is sent to it, and it is kept out of logs and errors.
struct UploadSession: Sendable {
    /// The service's answer to a piece or to a status request.
    enum Answer: Sendable {
        /// The service expects the bytes from this offset on.
        case expects(Int)
        /// The file is complete; the body describes it.
        case complete([UInt8])
        /// The session has expired or never existed.
        case gone
        /// It is unknown whether the piece arrived: request the status after this wait.
        case unsure(wait: Duration?)
        /// The service refuses the file.
        case refused(MMError)
    }

    let client: GraphClient
    let request: GraphRequest
    let address: Secret

    /// Creates a session from a URL that the service gave.
    /// - Throws: `.denied` for a URL to which nothing may be sent.
    init(_ address: Secret, client: GraphClient, request: GraphRequest) throws(MMError) {
        guard let parsed = WebAddress(address.reveal()) else {
            throw MMError(
                .remoteFailed, "\(client.service.rawValue) returned an upload session without a usable address.")
        }
        try client.check(parsed, for: "an upload")
        HeldSecrets.shared.hold(address)
        self.address = address
        self.client = client
        self.request = request
    }

    /// Sends a piece.
    func send(_ bytes: [UInt8], at start: Int, of total: Int, deadline: Deadline) async -> Answer {
        var headers: HTTPHeaders = ["Content-Type": "application/octet-stream"]
        headers.set("Content-Range", "bytes \(start)-\(start + bytes.count - 1)/\(total)")
        return await answer("PUT", headers, bytes, deadline)
    }

    /// Requests the status of the session.
    func status(deadline: Deadline) async -> Answer { await answer("GET", [:], nil, deadline) }

    private func answer(_ method: String, _ headers: HTTPHeaders, _ body: [UInt8]?, _ deadline: Deadline) async
        -> Answer
    {
        let wire = HTTPRequest(
            method: method, url: address.reveal(), headers: headers, body: body,
            timeout: min(.seconds(600), max(deadline.remaining, .milliseconds(1))), stallTimeout: .seconds(60),
            maxResponseBytes: 4 << 20, allowsPlainHTTP: address.reveal().hasPrefix("http:"))
        let response: HTTPResponse
        do {
            response = try await client.transport.send(wire)
        } catch {
            client.log.debug("\(method) of an upload session: no answer (\(error.kind))")
            switch error.kind {
            case .cancelled, .invalidRequest, .proxy, .tls, .unavailable:
                return .refused(error.mmError(for: "The upload to \(request.target.path)"))
            default: return .unsure(wait: nil)
            }
        }
        client.log.debug("\(method) of an upload session \(response.status)")
        return judge(GraphResponse(status: response.status, headers: response.headers, body: response.body), method)
    }

    private func judge(_ response: GraphResponse, _ method: String) -> Answer {
        let asked = WaitAdvice(response.fields, now: client.clock.now).asked
        switch response.status {
        case 200...299:
            let value = try? JSONParser.parse(response.body)
            if let ranges = value?["nextExpectedRanges"]?.array {
                let starts = ranges.compactMap { $0.string?.split(separator: "-").first.flatMap { Int($0) } }
                if let start = starts.min() { return .expects(start) }
                return method == "PUT" ? .unsure(wait: nil) : .gone
            }
            return method == "PUT" && response.status != 202 ? .complete(response.body) : .unsure(wait: nil)
        // The authorisation in the URL has expired; a new session brings a new one.
        case 401, 403, 404, 410: return .gone
        case 408, 416, 429, 500...: return response.status == 507 ? refused(response) : .unsure(wait: asked)
        default:
            if ServiceError(response).code == "invalidRange" { return .unsure(wait: asked) }
            return refused(response)
        }
    }

    private func refused(_ response: GraphResponse) -> Answer {
        .refused(ServiceError(response).mmError(for: request, retryAfter: nil))
    }
}

/// The progress of an upload or a download.
public struct TransferProgress: Sendable, Hashable {
    /// The number of bytes that have been transferred.
    public let done: Int
    /// The size of the file; `nil` if it isn't known.
    public let total: Int?
    /// The reason for the current wait, if there is one.
    public let waiting: String?

    init(done: Int, total: Int?, waiting: String? = nil) {
        self.done = done
        self.total = total
        self.waiting = waiting
    }
}
