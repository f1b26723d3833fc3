import MMCore
import TestSupport
import Testing

@testable import MMMCP

/// Subscriptions to resources that the server watches for each caller.
@Suite("Watched resources", .timeLimit(.minutes(5)))
struct WatchedResourceTests {
    /// Changes that a test triggers.
    private final class Watches: Sendable {
        private let open = Mutex<[String: AsyncStream<Void>.Continuation]>([:])

        func begin(_ uri: String) -> AsyncStream<Void> {
            AsyncStream { continuation in
                open.withLock { $0[uri] = continuation }
                continuation.onTermination = { [weak self] _ in self?.open.withLock { _ = $0.removeValue(forKey: uri) }
                }
            }
        }

        func isOpen(_ uri: String) -> Bool { open.withLock { $0[uri] != nil } }

        func change(_ uri: String) async {
            while !isOpen(uri) { try? await Task.sleep(for: .milliseconds(2)) }
            open.withLock { $0[uri] }?.yield()
        }
    }

    private let watches = Watches()

    private func server() throws -> MCPServer {
        var options = ServerOptions()
        options.offersResourceSubscriptions = true
        let watches = watches
        return try MCPServer(
            ServerInfo(name: "watched", version: "1"),
            resources: [Resource(uri: "x://a", name: "a") { _ in [.text("a", uri: "x://a")] }],
            resourceChanges: { uri, _, _ in watches.begin(uri) }, options: options)
    }

    @Test("a session gets changes of its subscriptions until it unsubscribes")
    func session() async throws {
        let client = try TestClient(try server())
        _ = try await client.initialize()
        client.request(1, "resources/subscribe", ["uri": "x://a"])
        #expect(try await client.next()["result"] == [:])
        await watches.change("x://a")
        let notice = try await client.next()
        #expect(notice["method"] == "notifications/resources/updated")
        #expect(notice["params"] == ["uri": "x://a"])
        client.request(2, "resources/unsubscribe", ["uri": "x://a"])
        #expect(try await client.next()["result"] == [:])
        while watches.isOpen("x://a") { try await Task.sleep(for: .milliseconds(2)) }
        client.closeInput()
        try await client.end()
    }

    @Test("a client that unsubscribes and subscribes again at once watches once, and can end that")
    func again() async throws {
        let opened = Noted(0)
        let ended = Noted(0)
        var options = ServerOptions()
        options.offersResourceSubscriptions = true
        let server = try MCPServer(
            ServerInfo(name: "watched", version: "1"),
            resources: [Resource(uri: "x://a", name: "a") { _ in [.text("a", uri: "x://a")] }],
            resourceChanges: { _, _, _ in
                opened.change { $0 += 1 }
                return AsyncStream { $0.onTermination = { _ in ended.change { $0 += 1 } } }
            }, options: options)
        let client = try TestClient(server)
        _ = try await client.initialize()
        for round in 0..<100 {
            for (number, method) in ["subscribe", "unsubscribe", "subscribe", "unsubscribe"].enumerated() {
                client.request(.int(Int64(round * 4 + number + 1)), "resources/\(method)", ["uri": "x://a"])
            }
            for _ in 0..<4 { #expect(try await client.next()["result"] == [:]) }
        }
        while ended.now < opened.now { try await Task.sleep(for: .milliseconds(2)) }
        #expect(opened.now == 200)
        client.closeInput()
        try await client.end()
    }

    @Test("a listener gets changes under its subscription, and watching ends with it")
    func listener() async throws {
        let client = try TestClient(try server())
        client.modern("s", "subscriptions/listen", ["notifications": ["resourceSubscriptions": ["x://a"]]])
        #expect(try await client.next()["params"]?["notifications"] == ["resourceSubscriptions": ["x://a"]])
        await watches.change("x://a")
        let notice = try await client.next()
        #expect(notice["method"] == "notifications/resources/updated")
        #expect(notice["params"]?["uri"] == "x://a")
        #expect(notice["params"]?["_meta"]?["io.modelcontextprotocol/subscriptionId"] == "s")
        client.send(["jsonrpc": "2.0", "method": "notifications/cancelled", "params": ["requestId": "s"]])
        while watches.isOpen("x://a") { try await Task.sleep(for: .milliseconds(2)) }
        client.closeInput()
        try await client.end()
    }

    @Test("a subscription is answered only when every later change will be noticed")
    func answeredLast() async throws {
        let opened = Noted(false)
        let isReady = Noted(false)
        var options = ServerOptions()
        options.offersResourceSubscriptions = true
        let server = try MCPServer(
            ServerInfo(name: "watched", version: "1"),
            resources: [Resource(uri: "x://a", name: "a") { _ in [.text("a", uri: "x://a")] }],
            resourceChanges: { _, _, _ in
                opened.change { $0 = true }
                while !isReady.now { try? await Task.sleep(for: .milliseconds(2)) }
                return AsyncStream { $0.yield() }
            }, options: options)
        let client = try TestClient(server)
        _ = try await client.initialize()
        client.request(1, "resources/subscribe", ["uri": "x://a"])
        client.modern("s", "subscriptions/listen", ["notifications": ["resourceSubscriptions": ["x://a"]]])
        while !opened.now { try await Task.sleep(for: .milliseconds(2)) }
        client.request(2, "ping")
        #expect(try await client.next()["id"] == 2)
        isReady.change { $0 = true }
        var methods: [JSONValue?] = []
        for _ in 0..<4 { methods.append(try await client.next()["method"]) }
        let first = try #require(methods.firstIndex(of: "notifications/resources/updated"))
        #expect(first > 0)
        #expect(methods.filter { $0 == "notifications/resources/updated" }.count == 2)
        #expect(methods.contains("notifications/subscriptions/acknowledged") && methods.contains(nil))
        client.closeInput()
        try await client.end()
    }

    @Test("watching ends with the connection")
    func end() async throws {
        let client = try TestClient(try server())
        _ = try await client.initialize()
        client.request(1, "resources/subscribe", ["uri": "x://a"])
        _ = try await client.next()
        while !watches.isOpen("x://a") { try await Task.sleep(for: .milliseconds(2)) }
        client.closeInput()
        try await client.end()
        while watches.isOpen("x://a") { try await Task.sleep(for: .milliseconds(2)) }
    }
}
