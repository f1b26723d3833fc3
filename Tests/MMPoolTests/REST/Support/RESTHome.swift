import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMSystem
import TestSupport

@testable import MMPool

/// A temporary home folder.
final class RESTHome: Sendable {
    let path: String
    let environment: [String: String]
    let services: OperationServices

    init(registry: String = #"{"connections": {}}"#, extra: [String: String] = [:]) throws {
        Signals.ignoreBrokenPipes()
        path = try TestFolder.make("/tmp/mm-rest-")
        environment = [
            "HOME": path, "MM_CONNECTIONS": path + "/connections.json", "MM_TOKEN_DIR": path + "/tokens",
            "MM_STATE_DIR": path + "/state", "MM_LOG_DIR": path + "/logs", "PATH": "/usr/bin:/bin",
        ].merging(extra) { $1 }
        services = OperationServices(environment: environment)
        try ProtectedFile.replace(path + "/connections.json", with: Array(registry.utf8))
    }

    deinit { TestFolder.remove(path) }

    /// A service with the test's own operations.
    func service(_ operations: [ScriptedOperation]) -> LocalOperationService {
        LocalOperationService(catalogue: Catalogue(operations.map { AnyOperation($0) }), services: services)
    }
}

/// A pool on a real Unix socket, and its client.
final class SocketPool: Sendable {
    static let handshake = PoolHandshake(
        build: PoolBuild(version: "1.2.3", executable: "/opt/mm", written: 4, size: 5),
        process: ProcessIdentity(pid: getpid(), startTime: 6), started: Timestamp(seconds: 1_700_000_000), key: "test")
    let socket: String
    let listener: HTTPListener
    private let home: RESTHome
    let client = HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))

    /// - Parameter peer: the authenticator's result for every caller; `nil`: the kernel's.
    /// - Parameter terminal: whether the test's own process counts as having a terminal.
    /// - Parameter words: rewrites messages for programs.
    init(
        _ home: RESTHome, _ service: any OperationService, peer: AdmittedPeer? = nil, terminal: Bool = true,
        words: @escaping @Sendable (String) -> String = { $0 }
    ) throws {
        self.home = home
        socket = home.path + "/pool-\(RandomBytes.text(bytes: 4)).sock"
        var settings = RESTRouter.Settings()
        settings.words = words
        // The test's own process acts as a front-end, which has no terminal here.
        settings.requirePerson = { (process) throws(MMError) in try PersonProof.require(process: process) }
        if terminal { settings.requireTerminal = settings.requirePerson }
        let router = RESTRouter(
            service: service, handshake: { Self.handshake }, settings: settings, services: home.services)
        listener = try HTTPListener.start(.unix(path: socket)) { request in
            guard case .unix(_, let pid) = request.peer else { return .text("no peer", status: 500) }
            return await router.respond(to: request, from: peer ?? .process(pid: pid))
        }
    }

    var pool: PoolClient { PoolClient(PoolAddress(socket: socket), transport: client) }

    /// The front-end's side.
    func remote(_ catalogue: Catalogue) -> RemoteOperationService {
        RemoteOperationService(pool, catalogue: catalogue)
    }

    /// Sends a request.
    func send(_ method: String, _ path: String, _ headers: HTTPHeaders = [:], _ body: String? = nil) async throws
        -> HTTPResponse
    {
        var all = headers
        if body != nil, all["Content-Type"] == nil { all.set("Content-Type", "application/json") }
        return try await client.send(
            pool.request(method, path, headers: all, body: body.map { Array($0.utf8) }))
    }

    /// Sends a request and reads its answer while it arrives.
    func open(_ method: String, _ path: String, _ headers: HTTPHeaders = [:], _ body: String? = nil) async throws
        -> HTTPStream
    {
        var all = headers
        if body != nil, all["Content-Type"] == nil { all.set("Content-Type", "application/json") }
        return try await client.open(
            pool.request(method, path, headers: all, body: body.map { Array($0.utf8) }))
    }

    func stop() async { await listener.stop(graceful: .zero) }
}

extension HTTPResponse {
    var json: JSONValue { (try? JSONParser.parse(body)) ?? .null }
    var text: String { String(decoding: body, as: UTF8.self) }
}

/// An answer with its items read, for comparing.
struct ReadAnswer: Equatable, Sendable {
    let notes: [String]
    let columns: [String]
    let text: String?
    let connection: String?
    let kind: String
    let body: [UInt8]
    let items: [String]
    let end: AnswerEnd?
    let exitStatus: Int32
    let standardError: [UInt8]

    init(_ answer: OperationAnswer) async throws(MMError) {
        (notes, columns, text, connection) = (answer.notes, answer.columns, answer.text, answer.connection)
        (exitStatus, standardError) = (answer.exitStatus, answer.standardError)
        var items: [String] = []
        switch answer.body {
        case .value(let value): (kind, body) = ("value", JSONWriter.bytes(value))
        case .json(let bytes): (kind, body) = ("json", bytes)
        case .text(let words): (kind, body) = ("text", Array(words.utf8))
        case .bytes(let bytes, let type): (kind, body) = ("bytes \(type)", bytes)
        case .items: (kind, body) = ("items", [])
        case .output: (kind, body) = ("output", [])
        }
        while let batch = try await answer.body.stream?.next() {
            items += batch.map { String(decoding: $0, as: UTF8.self) }
        }
        self.items = items
        end = answer.body.stream?.end()
    }
}

/// The result of a call, for comparing.
enum Ended: Equatable, Sendable {
    case answer(ReadAnswer)
    case error(JSONObject)

    static func of(_ call: () async throws(MMError) -> OperationAnswer) async -> Ended {
        do throws(MMError) {
            return .answer(try await ReadAnswer(try await call()))
        } catch {
            return .error(ErrorWire.object(error))
        }
    }
}

extension RESTRouter {
    /// Answers one request, as after the authentication of its sender.
    func respond(to request: HTTPServerRequest, from peer: AdmittedPeer) async -> HTTPServerResponse {
        await HTTPChain([self]).respond(to: request, from: peer)
    }
}
