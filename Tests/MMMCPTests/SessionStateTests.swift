import MMCore
import Testing

@testable import MMMCP

/// The state of a connection without the connection itself: messages in, actions out.
@Suite("The state of a connection", .timeLimit(.minutes(5)))
struct SessionStateTests {
    private func request(_ id: Int64, _ method: String, _ params: JSONObject = [:], size: Int = 10) -> IncomingRequest {
        IncomingRequest(id: .int(id), method: method, params: params, size: size)
    }

    private func modern(_ id: Int64, _ method: String, _ params: JSONObject = [:]) throws -> IncomingRequest {
        guard case .request(let request) = Message(.object(modernRequest(.int(id), method, params))) else {
            throw TestClient.Silence(description: "no request")
        }
        return request
    }

    private func code(_ action: ProtocolState.Action) -> Int? {
        if case .answer(.failure(let error)) = action { error.code } else { nil }
    }

    private let hello: JSONObject = [
        "protocolVersion": "2025-06-18", "capabilities": ["elicitation": [:]],
        "clientInfo": ["name": "c", "version": "1"],
    ]

    @Test("a modern request doesn't change it, before and after the handshake")
    func traces() throws {
        let server = try testServer()
        var state = ProtocolState()
        for _ in 0..<3 {
            _ = state.receive(try modern(1, "tools/list"), server: server, principal: .standardPipes)
            #expect(state.handshake == nil && state.workCount == 0)
        }
        #expect(code(state.receive(request(2, "tools/list"), server: server, principal: .standardPipes)) == -32600)
        _ = state.receive(request(3, "initialize", hello), server: server, principal: .standardPipes)
        #expect(state.handshake?.version == .v2025_06_18)
        _ = state.receive(try modern(4, "server/discover"), server: server, principal: .standardPipes)
        #expect(state.handshake?.version == .v2025_06_18 && state.handshake?.capabilities.supportsForms == true)
        #expect(code(state.receive(try modern(5, "initialize"), server: server, principal: .standardPipes)) == -32601)
        #expect(state.handshake?.version == .v2025_06_18)
    }

    @Test("a second handshake replaces the first")
    func secondHandshake() throws {
        let server = try testServer()
        var state = ProtocolState()
        _ = state.receive(request(1, "initialize", hello), server: server, principal: .standardPipes)
        var other = hello
        other["protocolVersion"] = "2025-03-26"
        _ = state.receive(request(2, "initialize", other), server: server, principal: .standardPipes)
        #expect(state.takesBatches)
    }

    @Test(
        "an incomplete handshake is refused",
        arguments: [
            ("protocolVersion", 5), ("protocolVersion", nil), ("capabilities", []), ("capabilities", nil),
            ("clientInfo", "x"), ("clientInfo", nil),
        ]
            as [(String, JSONValue?)]
    )
    func brokenHandshake(_ key: String, _ value: JSONValue?) throws {
        var params = hello
        params[key] = value
        var state = ProtocolState()
        let action = state.receive(
            request(1, "initialize", params), server: try testServer(), principal: .standardPipes)
        #expect(code(action) == -32602)
        #expect(state.handshake == nil)
    }

    @Test("calls are registered before they start, and limited by number and bytes")
    func registration() throws {
        var options = ServerOptions()
        options.limits.openCallBytes = 100
        let server = try testServer(options: options)
        var state = ProtocolState()
        _ = state.receive(request(0, "initialize", hello), server: server, principal: .standardPipes)
        let action = state.receive(
            request(1, "tools/call", ["name": "wait"], size: 60), server: server, principal: .standardPipes)
        guard case .start(let planned) = action else { throw TestClient.Silence(description: "not started") }
        #expect(planned.profile.version == .v2025_06_18 && state.workCount == 1)
        #expect(code(state.receive(request(1, "ping"), server: server, principal: .standardPipes)) == nil)
        #expect(
            code(state.receive(request(1, "tools/call", ["name": "wait"]), server: server, principal: .standardPipes))
                == -32600)
        #expect(
            code(
                state.receive(
                    request(2, "tools/call", ["name": "wait"], size: 60), server: server, principal: .standardPipes))
                == -32603)
        state.free(planned.id)
        #expect(
            code(
                state.receive(
                    request(2, "tools/call", ["name": "wait"], size: 60), server: server, principal: .standardPipes))
                == -32603)
        state.workEnded(planned)
        #expect(
            code(
                state.receive(
                    request(1, "tools/call", ["name": "wait"], size: 60), server: server, principal: .standardPipes))
                == nil)
    }
}
