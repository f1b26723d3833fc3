import MMCore
import Testing

@testable import MMHTTP

@Suite("A router")
struct RouterTests {
    private static let refusals = Router<String>.ErrorResponses(
        wrongMethod: { request, methods in .text("\(request.method) of \(methods.joined(separator: "+"))", status: 405)
        },
        failure: { .text($0.message, status: $0.httpStatus) })

    private static let router: Router<String> = {
        var router = Router<String>(refusals)
        router.get("/jobs") { _ in .text("all") }
        router.delete("/jobs") { _ in .text("none left") }
        router.get("/jobs/{job}") { .text("job \($0.name("job")) for \($0.peer)") }
        router.get("/jobs/latest") { _ in .text("the latest") }
        router.get("/jobs/{job}/events/{event}") { .text("\($0.name("job"))/\($0.name("event"))") }
        router.get("/{noun}/latest/events/{event}") { .text("latest of \($0.name("noun"))") }
        router.get("/plans") { _ in .text("the plans") }
        router.on("HEAD", "/plans") { .text($0.http.method, status: 204) }
        router.post("/jobs/{job}/cancel") { (request) throws(MMError) in
            throw MMError(.notFound, "There is no job \(request.name("job")).")
        }
        return router
    }()

    private static let chain = HTTPChain<String>([router]) { request, _ in .text("no \(request.path)", status: 404) }

    private func ask(_ method: String, _ target: String) async -> (status: Int, text: String, allow: String?) {
        let answer = await Self.chain.respond(to: HTTPServerRequest(method: method, target: target), from: "kim")
        guard case .bytes(let bytes) = answer.body else { return (answer.status, "a stream", nil) }
        return (answer.status, String(decoding: bytes, as: UTF8.self), answer.headers["Allow"])
    }

    @Test(
        "finds the most specific path in any order, and reads its parameters",
        arguments: [
            ("/jobs", "all"), ("/jobs?top=3", "all"), ("/jobs/7", "job 7 for kim"), ("/jobs/latest", "the latest"),
            ("/jobs/a%20b%2Fc", "job a b/c for kim"), ("/jobs/latest/events/2", "latest/2"),
            ("/teams/latest/events/2", "latest of teams"),
        ])
    func paths(target: String, text: String) async {
        #expect(await ask("GET", target) == (200, text, nil))
    }

    @Test(
        "passes on other paths",
        arguments: [
            "/", "/job", "/jobs/", "/jobs//cancel", "/jobs/7/cancel/now", "/JOBS", "/jobs/%ff",
            "/jobs/" + String(repeating: "x", count: 201),
        ])
    func others(target: String) async {
        #expect(await ask("GET", target) == (404, "no \(target)", nil))
    }

    @Test("answers HEAD like GET, OPTIONS with the allowed methods, and other methods with 405")
    func methods() async {
        #expect(await ask("HEAD", "/jobs") == (200, "all", nil))
        #expect(await ask("HEAD", "/plans") == (204, "HEAD", nil), "a handler of its own comes first")
        #expect(await ask("OPTIONS", "/plans") == (204, "", "GET, HEAD, OPTIONS"))
        #expect(await ask("DELETE", "/jobs") == (200, "none left", nil))
        #expect(await ask("OPTIONS", "/jobs") == (204, "", "GET, DELETE, HEAD, OPTIONS"))
        #expect(await ask("OPTIONS", "/jobs/7/cancel") == (204, "", "POST, OPTIONS"))
        #expect(
            await ask("PUT", "/jobs") == (405, "PUT of GET+DELETE+HEAD+OPTIONS", "GET, DELETE, HEAD, OPTIONS"))
        #expect(await ask("GET", "/jobs/7/cancel") == (405, "GET of POST+OPTIONS", "POST, OPTIONS"))
        #expect(await ask("HEAD", "/jobs/7/cancel").status == 405)
        #expect(await ask("get", "/jobs").status == 405, "methods are case-sensitive (RFC 9110, section 9.1)")
    }

    /// A router that ignores case, with open-ended paths.
    private static let open: HTTPChain<String> = {
        var router = Router<String>(refusals, ignoresCase: true)
        router.get("/Files") { _ in .text("the root") }
        router.get("/Files/{path...}") { .text("\($0.http.method) [\($0.name("path"))]") }
        router.get("/Files/{id}") { .text("file \($0.name("id"))") }
        router.get("/Files/{id}/{more...}") { .text("\($0.name("id")): [\($0.name("more"))]") }
        router.get("/Files/Shared/{path...}") { .text("shared [\($0.name("path"))]") }
        router.get("/{drive}/Items/{path...}") { .text("\($0.name("drive")) items [\($0.name("path"))]") }
        return HTTPChain([router]) { request, _ in .text("no \(request.path)", status: 404) }
    }()

    @Test(
        "an open end matches any number of segments unchanged, and more specific paths take precedence",
        arguments: [
            ("/files", "the root"), ("/FILES/A%2fb", "file A/b"), ("/files/A/b%2Fc//d", "A: [b%2Fc//d]"),
            ("/files/", "GET []"), ("/files/SHARED", "shared []"), ("/files/shared/A", "shared [A]"),
            ("/Mine/items", "Mine items []"), ("/Mine/ITEMS/x/y", "Mine items [x/y]"), ("/mine", "no /mine"),
        ])
    func openEnds(target: String, text: String) async {
        let answer = await Self.open.respond(to: HTTPServerRequest(method: "HEAD", target: target), from: "kim")
        guard case .bytes(let bytes) = answer.body else {
            Issue.record("a stream")
            return
        }
        #expect(String(decoding: bytes, as: UTF8.self) == text)
    }

    @Test("converts errors of its handlers to answers")
    func failures() async {
        #expect(await ask("POST", "/jobs/7/cancel") == (404, "There is no job 7.", nil))
    }

    /// Records the way of a request.
    private struct Step: HTTPMiddleware {
        let name: String

        func respond(
            to request: HTTPServerRequest, from peer: String, next: HTTPResponder<String>
        ) async -> HTTPServerResponse {
            guard request.path != "/\(name)" else { return .text("stopped by \(name)") }
            var answer = await next(request, peer + name)
            answer.headers.add("Way", name)
            return answer
        }
    }

    @Test("a chain runs its steps in order, in and out, and each may answer")
    func chain() async {
        let chain = HTTPChain<String>([Step(name: "a"), Step(name: "b")]) { _, peer in .text(peer) }
        func ask(_ path: String) async -> (HTTPServerResponse.Body, [String]) {
            let answer = await chain.respond(to: HTTPServerRequest(method: "GET", target: path), from: "")
            return (answer.body, answer.headers.values(for: "Way"))
        }
        for (path, text, way) in [("/", "ab", ["b", "a"]), ("/a", "stopped by a", []), ("/b", "stopped by b", ["a"])] {
            let (body, steps) = await ask(path)
            guard case .bytes(let bytes) = body else {
                Issue.record("\(body)")
                continue
            }
            #expect(String(decoding: bytes, as: UTF8.self) == text && steps == way)
        }
    }
}
