import MMCore
import MMHTTP

/// A drive and a mailbox in memory with upload sessions, download links and faults; records the requests.
final class FakeDrive: HTTPTransport {
    /// A fault with a piece of an upload, or with the body of a download.
    enum Fault: Sendable, Hashable {
        /// The connection ends before the piece arrives.
        case lostBefore
        /// The piece arrives, but its answer is lost.
        case lostAfter
        /// The piece is dropped with this status.
        case status(Int)
        /// The session ends.
        case gone
        /// A piece isn't accepted, and the service says so.
        case stuck
        /// The piece arrives, but even after the last one the session doesn't end.
        case unfinished
        /// A body ends after this number of bytes.
        case failed(Int)
        /// The requested range is ignored.
        case wholeAgain
    }

    private struct Session {
        var name: String
        var bytes: [UInt8] = []
        var isMail = false
    }

    private struct State {
        var files: [String: [UInt8]] = [:]
        var versions: [String: Int] = [:]
        var sessions: [String: Session] = [:]
        var begun = 0
        var requests: [HTTPRequest] = []
        var faults: [Fault] = []
        var hash: String?
    }

    static let secret = "tempauth-of-a-session"
    private let state = Mutex(State())

    init(files: [String: [UInt8]] = [:], faults: [Fault] = []) {
        state.withLock { state in
            state.files = files
            state.faults = faults
        }
    }

    var requests: [HTTPRequest] { state.withLock { $0.requests } }
    /// The requests to the pre-authenticated addresses.
    var transfers: [HTTPRequest] { requests.filter { $0.url.contains(Self.secret) } }
    /// How many bytes were sent in pieces.
    var sent: Int { transfers.reduce(0) { $0 + ($1.body?.count ?? 0) } }
    var begun: Int { state.withLock { $0.begun } }
    var openSessions: Int { state.withLock { $0.sessions.count } }
    func file(_ name: String) -> [UInt8]? { state.withLock { $0.files[name] } }
    /// Adds faults, which happen one after the other.
    func fail(_ faults: [Fault]) { state.withLock { $0.faults += faults } }
    /// Removes all faults.
    func clearFaults() { state.withLock { $0.faults = [] } }
    /// Reports this checksum for every file.
    func lieAboutHash(_ hash: String) { state.withLock { $0.hash = hash } }
    /// Changes a file without changing its version.
    func swap(_ name: String, to bytes: [UInt8]) { state.withLock { $0.files[name] = bytes } }
    func change(_ name: String, to bytes: [UInt8]) {
        state.withLock { state in
            state.files[name] = bytes
            state.versions[name, default: 1] += 1
        }
    }

    func send(_ request: HTTPRequest) async throws(HTTPError) -> HTTPResponse {
        try state.withLock { (state) throws(HTTPError) in
            state.requests.append(request)
            return try Self.answer(request, &state)
        }
    }

    func open(_ request: HTTPRequest) async throws(HTTPError) -> HTTPStream {
        let answer = try await send(request)
        let fault: Fault? = state.withLock { state in
            guard request.url.hasPrefix("https://down."), let first = state.faults.first else { return nil }
            if case .failed = first { return state.faults.removeFirst() }
            return nil
        }
        guard case .failed(let count)? = fault else {
            return HTTPStream(status: answer.status, headers: answer.headers, chunks: HTTPBody([answer.body]))
        }
        let pieces = Mutex([Array(answer.body.prefix(count))])
        return HTTPStream(
            status: answer.status, headers: answer.headers,
            chunks: HTTPBody(next: { () async throws(HTTPError) -> [UInt8]? in
                if let piece = pieces.withLock({ $0.popLast() }) { return piece }
                throw HTTPError(.connectionLost, "The connection ended.")
            }))
    }

    private static func answer(_ request: HTTPRequest, _ state: inout State) throws(HTTPError) -> HTTPResponse {
        if request.url.hasPrefix("https://up.") { return try piece(request, &state) }
        if request.url.hasPrefix("https://down.") { return download(request, &state) }
        let path = request.url.dropFirst("https://graph.microsoft.com/v1.0".count).prefix { $0 != "?" }
        if path.hasSuffix("/attachments/createUploadSession") {
            let body = try? JSONParser.parse(request.body ?? [])
            return begin(body?["AttachmentItem"]?["name"]?.string ?? "?", isMail: true, &state)
        }
        if path.hasSuffix("/attachments") {
            let body = try? JSONParser.parse(request.body ?? [])
            state.files[body?["name"]?.string ?? "?"] = Base64.bytes(body?["contentBytes"]?.string ?? "") ?? []
            return .json(String(decoding: request.body ?? [], as: UTF8.self), status: 201)
        }
        let parts = path.split(separator: ":").map { PercentCoding.decode($0.utf8) ?? "" }
        let name = String((parts.dropFirst().first ?? "").dropFirst())
        let exists = state.files[name] != nil
        let clash = HTTPResponse.json(
            #"{"error":{"code":"nameAlreadyExists","message":"The specified item name already exists."}}"#, status: 409)
        switch (parts.dropFirst(2).first, request.method) {
        case ("/content", "PUT"):
            if exists, request.url.contains("conflictBehavior=fail") { return clash }
            state.files[name] = request.body ?? []
            return .json(item(name, state), status: 201)
        case ("/content", _):
            guard exists else { return .json(#"{"error":{"code":"itemNotFound"}}"#, status: 404) }
            let place = "https://down.contoso.example/file?name=\(PercentCoding.encode(name) { _ in false })&\(secret)"
            return HTTPResponse(status: 302, headers: ["Location": place])
        case ("/createUploadSession", _):
            let body = String(decoding: request.body ?? [], as: UTF8.self)
            if exists, body.contains(#""fail""#) { return clash }
            return begin(name, isMail: false, &state)
        default:
            return exists
                ? .json(item(name, state)) : .json(#"{"error":{"code":"itemNotFound"}}"#, status: 404)
        }
    }

    private static func begin(_ name: String, isMail: Bool, _ state: inout State) -> HTTPResponse {
        state.begun += 1
        let id = "\(state.begun)"
        state.sessions[id] = Session(name: name, isMail: isMail)
        return .json(
            #"{"uploadUrl":"https://up.contoso.example/\#(id)?\#(secret)","expirationDateTime":"2030-01-01T00:00:00Z","nextExpectedRanges":["0-"]}"#
        )
    }

    private static func piece(_ request: HTTPRequest, _ state: inout State) throws(HTTPError) -> HTTPResponse {
        let id = request.url.split(separator: "/").last?.prefix { $0 != "?" }.description ?? ""
        guard var session = state.sessions[id] else { return .json(#"{"error":{"code":"itemNotFound"}}"#, status: 404) }
        guard request.method == "PUT" else {
            return .json(#"{"nextExpectedRanges":["\#(session.bytes.count)-"]}"#)
        }
        var (isLost, isUnfinished) = (false, false)
        if !state.faults.isEmpty {
            switch state.faults.removeFirst() {
            case .lostBefore: throw HTTPError(.connectionLost, "The connection ended.")
            case .lostAfter: isLost = true
            case .status(let status): return HTTPResponse(status: status, headers: ["Retry-After": "2"])
            case .gone:
                state.sessions[id] = nil
                return .json(#"{"error":{"code":"itemNotFound"}}"#, status: 404)
            case .stuck: return .json(#"{"nextExpectedRanges":["\#(session.bytes.count)-"]}"#, status: 202)
            case .unfinished: isUnfinished = true
            case .failed, .wholeAgain: break
            }
        }
        let words = (request.headers["Content-Range"] ?? "").split { " -/".contains($0) }.compactMap { Int($0) }
        let body = request.body ?? []
        guard words.count == 3, words[1] - words[0] + 1 == body.count else { return HTTPResponse(status: 400) }
        guard words[0] == session.bytes.count else {
            return .json(#"{"error":{"code":"invalidRange","message":"wrong place"}}"#, status: 416)
        }
        guard words[1] + 1 == words[2] || body.count % 327_680 == 0, !session.isMail || body.count < 4 << 20 else {
            return .json(#"{"error":{"code":"invalidRequest","message":"wrong size"}}"#, status: 400)
        }
        session.bytes += body
        state.sessions[id] = session
        if session.bytes.count == words[2], !isUnfinished {
            state.sessions[id] = nil
            state.files[session.name] = session.bytes
        }
        if isLost { throw HTTPError(.connectionLost, "The connection ended.") }
        guard state.sessions[id] == nil else {
            return .json(#"{"nextExpectedRanges":["\#(session.bytes.count)-"]}"#, status: 202)
        }
        if session.isMail { return HTTPResponse(status: 201, headers: ["Location": "https://outlook.office.com/x"]) }
        return .json(item(session.name, state), status: 201)
    }

    private static func download(_ request: HTTPRequest, _ state: inout State) -> HTTPResponse {
        let encoded = request.url.split(separator: "=")[1].prefix { $0 != "&" }
        let bytes = state.files[PercentCoding.decode(encoded.utf8) ?? ""] ?? []
        var ignoresRange = false
        switch state.faults.first {
        case .status(let status):
            state.faults.removeFirst()
            return HTTPResponse(status: status, headers: ["Retry-After": "2"])
        case .wholeAgain:
            state.faults.removeFirst()
            ignoresRange = true
        default: break
        }
        let type = "application/octet-stream"
        guard !ignoresRange, let range = request.headers["Range"],
            let start = Int(range.dropFirst("bytes=".count).dropLast())
        else {
            return HTTPResponse(
                status: 200, headers: ["Content-Type": type, "Content-Length": "\(bytes.count)"], body: bytes)
        }
        guard start < bytes.count else { return HTTPResponse(status: 416) }
        return HTTPResponse(
            status: 206,
            headers: [
                "Content-Type": type, "Content-Range": "bytes \(start)-\(bytes.count - 1)/\(bytes.count)",
                "Content-Length": "\(bytes.count - start)",
            ], body: Array(bytes[start...]))
    }

    private static func item(_ name: String, _ state: State) -> String {
        let bytes = state.files[name] ?? []
        let hash = state.hash ?? QuickXorHashTests.bitwise(bytes)
        return
            #"{"id":"01","name":"\#(name.split(separator: "/").last ?? "")","size":\#(bytes.count),"cTag":"c\#(state.versions[name] ?? 1)","file":{"hashes":{"quickXorHash":"\#(hash)"}}}"#
    }
}
