import CTestBus
import Glibc
import MMCore
import MMSystem
import TestSupport

/// A message bus for one test, which ends with this value.
final class PrivateBus: Sendable {
    /// Whether this machine has a bus to start.
    static let isThere = access(daemon, X_OK) == 0
    private static let daemon = "/usr/bin/dbus-daemon"

    let address: String
    private let process: ChildProcess

    /// Starts a bus in a folder.
    init(in folder: String) async throws {
        address = "unix:path=\(folder)/bus"
        var command = ChildCommand(
            Self.daemon, ["--session", "--nofork", "--nopidfile", "--print-address=1", "--address=\(address)"],
            environment: ["HOME": folder, "XDG_DATA_DIRS": folder])
        command.error = .null
        process = try await ChildProcess.start(command)
        // It writes its address when it listens.
        guard let line = try await process.output?.read(), !line.isEmpty else {
            throw MMError(.unavailable, "the bus did not start")
        }
    }

    deinit { process.signalGroup(SIGKILL) }
}

/// An identity broker on a bus with the test's answers; records the requests.
final class FakeBroker: Sendable {
    typealias Script = @Sendable (_ method: String, _ request: JSONValue) -> JSONValue?

    private final class Desk: Sendable {
        let script: Script
        let asked = Mutex<[(method: String, request: JSONValue)]>([])

        init(_ script: @escaping Script) { self.script = script }
    }

    private let desk: Desk
    private let service: Mutex<Service>

    private struct Service: @unchecked Sendable {
        // `@unchecked Sendable`: ended once, by `deinit`.
        let raw: UnsafeMutableRawPointer
    }

    /// Serves the answers of a script; `nil` sends no answer.
    init(on bus: PrivateBus, _ script: @escaping Script) throws {
        let desk = Desk(script)
        let raw = mm_test_broker(
            bus.address,
            { method, request, context in
                guard let context, let method, let request else { return nil }
                let desk = Unmanaged<Desk>.fromOpaque(context).takeUnretainedValue()
                let value = (try? JSONParser.parse(String(cString: request))) ?? .null
                let name = String(cString: method)
                desk.asked.withLock { $0.append((name, value)) }
                return desk.script(name, value).flatMap { strdup(JSONWriter.string($0)) }
            }, Unmanaged.passUnretained(desk).toOpaque())
        guard let raw else { throw MMError(.unavailable, "the broker did not start") }
        self.desk = desk
        service = Mutex(Service(raw: raw))
    }

    deinit { service.withLock { mm_test_service_end($0.raw) } }

    /// The methods that were called.
    var methods: [String] { desk.asked.withLock { $0.map(\.method) } }
    /// The parameters of the last request for a token.
    var parameters: JSONObject? {
        desk.asked.withLock { $0.last { $0.method.hasPrefix("acquire") }?.request["authParameters"]?.object }
    }
}

/// A Secret Service on a bus.
final class FakeSecrets: @unchecked Sendable {
    // `@unchecked Sendable`: the service's own calls are atomic, and it is ended once, by `deinit`.
    private let raw: UnsafeMutableRawPointer

    init(on bus: PrivateBus) throws {
        guard let raw = mm_test_secrets(bus.address) else { throw MMError(.unavailable, "no Secret Service") }
        self.raw = raw
    }

    deinit { mm_test_service_end(raw) }

    /// What the service does (`MM_TEST_SECRETS_…`).
    func become(_ mode: Int) { mm_test_secrets_mode(raw, Int32(mode)) }
    var made: Int { Int(mm_test_secrets_made(raw)) }
    var prompts: Int { Int(mm_test_secrets_prompts(raw)) }
}
