import MMCore
import MMHTTP
import MMOperations
import MMSessions
import Testing

@testable import MMPool

@Suite("Background calls over HTTP", .timeLimit(.minutes(5)))
struct JobTests {
    /// An operation that reports progress and waits for the test.
    private struct Work {
        let begun = Gate()
        let goes = Gate()
        let called = Gate()

        var operation: ScriptedOperation {
            ScriptedOperation("works", readOnly: false) { (input, context) async throws(MMError) in
                context.call.progress(ProgressReport(done: 1, total: 2, message: "half"))
                begun.open()
                if input.text == "for ever" {
                    while (try? await Task.sleep(for: .seconds(600))) != nil {}
                    called.open()
                    throw MMError(.cancelled, "called off")
                }
                await goes.wait()
                if input.text == "fail" { throw MMError(.conflict, "it failed") }
                return .value(["did": .string(input.text)])
            }
        }
    }

    private func start(_ pool: SocketPool, _ text: String, _ headers: HTTPHeaders = [:]) async throws -> String {
        var all = headers
        all.set("Prefer", "respond-async")
        let answer = try await pool.send("POST", "/v1/operations/works", all, "{\"text\":\"\(text)\"}")
        #expect(answer.status == 202)
        #expect(answer.headers["Preference-Applied"] == "respond-async")
        let location = answer.headers["Location"] ?? ""
        #expect(location.hasPrefix("/v1/jobs/job-"))
        #expect(answer.json["location"]?.string == location)
        return location
    }

    @Test("a call in the background is a job: listed, followed to its end, its answer read")
    func follow() async throws {
        let home = try RESTHome()
        home.services.jobs.setLifetime()
        let work = Work()
        let pool = try SocketPool(home, home.service([work.operation]))
        let location = try await start(pool, "it")
        #expect(try await pool.send("GET", location).json["state"] == "running")
        #expect(try await pool.send("GET", location + "/answer").status == 202)
        let listed = try await pool.send("GET", "/v1/jobs").json["jobs"]?.array ?? []
        #expect(listed.map { $0["location"]?.string } == [location])
        // Another client's session can't see it.
        #expect(try await pool.send("GET", location, ["MM-Session": "other"]).status == 404)
        let stream = try await pool.open("GET", location, ["Accept": "text/event-stream"])
        var parser = SSEParser()
        var events: [SSEEvent] = []
        for try await chunk in stream.chunks {
            events += try parser.consume(chunk)
            if events.contains(where: { $0.event == "progress" }) { work.goes.open() }
        }
        #expect(events.map(\.event) == ["progress", "ended"])
        #expect(try JSONParser.parse(events[0].data)["message"] == "half")
        let ended = try JSONParser.parse(events[1].data)
        #expect(ended["state"] == "done")
        #expect(ended["answer"] == ["did": "it"])
        #expect(try await pool.send("GET", location + "/answer").json == ["did": "it"])
        // A client that has seen the end needn't return; one that has seen the progress gets only the end.
        let header: HTTPHeaders = ["Accept": "text/event-stream"]
        let end: HTTPHeaders = ["Accept": "text/event-stream", "Last-Event-ID": events[1].id ?? ""]
        #expect(try await pool.send("GET", location, end).status == 204)
        let middle: HTTPHeaders = ["Accept": "text/event-stream", "Last-Event-ID": events[0].id ?? ""]
        for (headers, names) in [(header, ["progress", "ended"]), (middle, ["ended"])] {
            var parser = SSEParser()
            let again = try parser.consume(try await pool.send("GET", location, headers).body)
            #expect(again.map(\.event) == names)
        }
        await pool.stop()
    }

    @Test("a job can be cancelled")
    func cancel() async throws {
        let home = try RESTHome()
        home.services.jobs.setLifetime()
        let work = Work()
        let pool = try SocketPool(home, home.service([work.operation]))
        let location = try await start(pool, "for ever")
        let cancelled = try await pool.send("DELETE", location)
        #expect(cancelled.status == 200)
        await work.called.wait()
        #expect(try await pool.send("GET", location).json["state"] == "cancelled")
        #expect(try await pool.send("DELETE", location).json["state"] == "cancelled")
        #expect(try await pool.send("DELETE", "/v1/jobs/job-nothing").status == 404)
        await pool.stop()
    }

    @Test("the command of a shell has output but no answer")
    func command() async throws {
        let home = try RESTHome()
        home.services.jobs.setLifetime()
        let command = Job<Int>.start("uptime", for: "a shell") { _ in .success(0) }
        #expect(home.services.jobs.table.keep(command))
        let pool = try SocketPool(home, home.service([]))
        let location = "/v1/jobs/\(command.handle)"
        let headers: HTTPHeaders = ["MM-Surface": "terminal"]
        #expect(try await pool.send("GET", location, headers).status == 200)
        let answer = try await pool.send("GET", location + "/answer", headers)
        #expect(answer.status == 404 && answer.json["hint"]?.string?.contains("output") == true, "\(answer.json)")
        await pool.stop()
    }

    @Test("the error of a job is a problem document when its answer is read")
    func failed() async throws {
        let home = try RESTHome()
        home.services.jobs.setLifetime()
        let work = Work()
        let pool = try SocketPool(home, home.service([work.operation]))
        let location = try await start(pool, "fail")
        work.goes.open()
        var seen: JSONValue = .null
        repeat { seen = try await pool.send("GET", location).json } while seen["state"] == "running"
        #expect(seen["error"]?["code"] == "conflict")
        #expect(try await pool.send("GET", location + "/answer").status == 409)
        await pool.stop()
    }

    @Test("a front-end that needs a handle gets one even for a call that ends at once")
    func neededHandle() async throws {
        let home = try RESTHome()
        home.services.jobs.setLifetime()
        let work = Work()
        work.goes.open()
        let local = home.service([work.operation])
        let pool = try SocketPool(home, local)
        var context = CallContext(caller: Caller(surface: .mcp, name: "t", server: "mm"))
        context.backgroundAfter = .seconds(600)
        context.needsHandle = true
        context.sessionID = "a session"
        let answer = try await pool.remote(local.catalogue).call("works", ["text": "it"], in: context)
        let handle = try #require(JobAnswer(answer)?.handle)
        let headers: HTTPHeaders = ["MM-Surface": "mcp", "MM-Server": "mm", "MM-Session": "a%20session"]
        #expect(try await pool.send("GET", "/v1/jobs/\(handle)", headers).json["state"] == "done")
        await pool.stop()
    }

    @Test("a front-end that waits for a limited time gets the handle as its answer, as within a process")
    func patience() async throws {
        let home = try RESTHome()
        home.services.jobs.setLifetime()
        let work = Work()
        let local = home.service([work.operation])
        let pool = try SocketPool(home, local)
        var context = CallContext(caller: Caller(surface: .mcp, name: "t", server: "mm"))
        context.backgroundAfter = .milliseconds(1)
        context.sessionID = "a session"
        let answer = try await pool.remote(local.catalogue).call("works", ["text": "it"], in: context)
        let handle = try #require(JobAnswer(answer)).handle
        let headers: HTTPHeaders = ["MM-Surface": "mcp", "MM-Server": "mm", "MM-Session": "a%20session"]
        #expect(try await pool.send("GET", "/v1/jobs/\(handle)", headers).json["state"] == "running")
        work.goes.open()
        await pool.stop()
    }
}
