import MMCore

@testable import MMMCP

/// A gate that tests open: tasks wait until then, or until they are cancelled.
final class Gate: Sendable {
    private struct State: Sendable {
        var isOpen = false
        var arrivals = 0
        var waiting: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return Array(state.waiting.values)
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Waits for the gate; throws if cancelled.
    func pass() async throws {
        let number = state.withLock { state in
            state.arrivals += 1
            return state.arrivals
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let passes = state.withLock { state in
                    if !state.isOpen, !Task.isCancelled { state.waiting[number] = continuation }
                    return state.waiting[number] == nil
                }
                if passes { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
        try Task.checkCancellation()
    }

    /// Waits until a number of tasks wait at the gate.
    func arrivals(_ count: Int) async {
        while state.withLock({ $0.arrivals }) < count { try? await Task.sleep(for: .milliseconds(1)) }
    }
}

/// Counts events of other tasks.
final class Tally: Sendable {
    private let count = Mutex(0)
    func add() { count.withLock { $0 += 1 } }
    var value: Int { count.withLock { $0 } }
    /// Waits until an event has happened a number of times.
    func reaches(_ target: Int) async {
        while value < target { try? await Task.sleep(for: .milliseconds(1)) }
    }
}

/// A server with the tools that the protocol tests need.
func testServer(
    gate: Gate = Gate(), cancelled: Tally = Tally(), options: ServerOptions = ServerOptions(), more: [Tool] = []
) throws -> MCPServer {
    try MCPServer(
        ServerInfo(name: "test-server", title: "Test", version: "1.2.3"), instructions: "Call echo.",
        tools: [
            Tool(
                name: "echo", description: "Says it again.",
                inputSchema: [
                    "type": "object", "properties": ["text": ["type": "string"]], "required": ["text"],
                ],
                annotations: ToolAnnotations(readOnly: true), aliases: ["say"]
            ) { arguments, _ in .text(arguments["text"]?.string ?? "") },
            Tool(name: "wait", description: "Waits for the test.") { _, _ in
                do {
                    try await gate.pass()
                } catch {
                    cancelled.add()
                    throw error
                }
                return .text("waited")
            },
            Tool(name: "fail", description: "Fails.") { _, _ in
                throw MMError(.remoteFailed, "It broke.", hint: "Mend it.")
            },
            Tool(name: "refuse", description: "Answers with a protocol error.") { _, _ in
                throw MCPError.invalidParams("Not like this.")
            },
        ] + more,
        options: options
    )
}
