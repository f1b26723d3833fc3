import MMCore
import MMHTTP
import TestSupport
import Testing

@testable import MMOperations

@Suite("Traces and metrics over OTLP", .timeLimit(.minutes(5)))
struct TelemetryTests {
    private static func telemetry(_ environment: [String: String]) throws -> Telemetry {
        let settings = try #require(try TelemetrySettings(environment: environment))
        return Telemetry(
            settings, over: HTTPClient(configuration: HTTPClientConfiguration(environment: [:])), log: .off,
            absence: nil)
    }

    private static func spans(_ collector: StandInCollector) -> [JSONValue] {
        collector.accepted.flatMap { $0.json?["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array ?? [] }
    }

    private static func attributes(_ value: JSONValue?) -> [String: JSONValue] {
        var found: [String: JSONValue] = [:]
        for entry in value?["attributes"]?.array ?? [] {
            guard let key = entry["key"]?.string, let member = entry["value"]?.object?.first else { continue }
            found[key] = member.value
        }
        return found
    }

    @Test("a call and its parts are spans of the caller's trace, in the JSON of the specification")
    func spans() async throws {
        let collector = try StandInCollector()
        let telemetry = try Self.telemetry([
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_SERVICE_NAME": "mm of Contoso",
            "OTEL_EXPORTER_OTLP_HEADERS": "authorization=Bearer%20abc,x-tenant=one",
            "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment=test,service.name=overridden",
        ])
        let parent = TraceContext(parent: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", state: "a=b")
        let call = try #require(telemetry.begin("graph_request", under: parent))
        call.note("mm.connection", "Contoso")
        call.note("mm.rows", 12)
        let transport = TracedTransport(try Self.client())
        let target = try StandInCollector(statuses: [404])
        try await call.around { () async throws(MMError) in
            let lease = Span.current?.child("session lease")
            try await lease?.around { () async throws(MMError) in
                var request = HTTPRequest(
                    url: target.url + "/v1.0/users/anna@contoso.example/messages?$filter=secret", allowsPlainHTTP: true)
                request.headers.set("Retry-Attempt", "2")
                _ = try? await transport.send(request)
            }
            lease?.end()
        }
        call.end()
        call.end()
        await telemetry.close()

        let request = try #require(collector.accepted.first)
        #expect(request.path == "/v1/traces")
        #expect(request.headers["authorization"] == "Bearer abc" && request.headers["x-tenant"] == "one")
        #expect(request.headers["Content-Type"] == "application/json")
        let resource = Self.attributes(request.json?["resourceSpans"]?[0]?["resource"])
        #expect(resource["service.name"] == "mm of Contoso" && resource["deployment.environment"] == "test")

        let spans = Self.spans(collector)
        #expect(
            spans.map { $0["name"]?.string } == ["GET /v1.0/users/{name}/messages", "session lease", "graph_request"])
        let (sent, lease, root) = (try #require(spans.first), spans[1], spans[2])
        #expect(spans.allSatisfy { $0["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736" && $0["traceState"] == "a=b" })
        #expect(root["parentSpanId"] == "00f067aa0ba902b7")
        #expect(lease["parentSpanId"] == root["spanId"] && sent["parentSpanId"] == lease["spanId"])
        #expect(spans.map { $0["kind"]?.int } == [3, 1, 2])
        #expect(root["status"] == [:] && sent["status"] == ["code": 2, "message": "404"])
        let facts = Self.attributes(sent)
        #expect(facts["http.request.method"] == "GET" && facts["http.response.status_code"] == "404")
        #expect(facts["http.request.resend_count"] == "2" && facts["server.address"] == "127.0.0.1")
        #expect((facts["server.port"]?.string).map { target.url.hasSuffix(":\($0)") } == true, "\(facts)")
        let text = String(decoding: request.body, as: UTF8.self)
        #expect(!text.contains("anna@") && !text.contains("secret"), "\(text)")
        for span in spans {
            let (start, end) = (span["startTimeUnixNano"]?.string ?? "", span["endTimeUnixNano"]?.string ?? "")
            #expect(start.utf8.count == 19 && end.utf8.count == 19 && start <= end)
            #expect(span["spanId"]?.string?.utf8.count == 16)
        }
    }

    private static func client() throws -> HTTPClient {
        HTTPClient(configuration: HTTPClientConfiguration(environment: [:]))
    }

    @Test("a request carries its own span on, and outside of a call it carries nothing")
    func passedOn() async throws {
        let collector = try StandInCollector()
        let target = try StandInCollector()
        let telemetry = try Self.telemetry(["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": collector.url + "/own/path"])
        let transport = TracedTransport(try Self.client())
        let request = HTTPRequest(url: target.url + "/x", allowsPlainHTTP: true)
        _ = try await transport.send(request)
        let call = try #require(telemetry.begin("run", under: nil))
        try await call.around { () async throws(MMError) in _ = try? await transport.send(request) }
        call.end()
        await telemetry.close()
        let headers = target.accepted.map { $0.headers["traceparent"] }
        #expect(headers.first == .some(nil))
        let span = try #require(Self.spans(collector).first)
        let (trace, id) = (span["traceId"]?.string ?? "", span["spanId"]?.string ?? "")
        #expect(headers.last == "00-\(trace)-\(id)-01")
        #expect(collector.accepted.first?.path == "/own/path")
    }

    @Test("a trace that is not sampled is passed on as such and not sent")
    func unsampled() async throws {
        let collector = try StandInCollector()
        let telemetry = try Self.telemetry([
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_TRACES_SAMPLER": "always_off",
        ])
        let call = try #require(telemetry.begin("run", under: nil))
        #expect(call.child("x").context.parent.hasSuffix("-00"))
        call.end()
        await telemetry.close()
        #expect(collector.accepted.isEmpty)
    }

    @Test("batches are sent again while the collector is too busy, and given up where it refuses them")
    func again() async throws {
        let collector = try StandInCollector(statuses: [429, 503, 200, 400])
        let telemetry = try Self.telemetry([
            "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "1",
        ])
        telemetry.begin("first", under: nil)?.end()
        #expect(await eventually { collector.tries == 3 })
        #expect(await eventually { telemetry.report["spansSent"] == 1 })
        telemetry.begin("second", under: nil)?.end()
        #expect(await eventually { telemetry.report["spansDropped"] == 1 })
        #expect(telemetry.report["fault"] == "it answered 400")
        telemetry.begin("third", under: nil)?.end()
        await telemetry.close(within: .seconds(60))
        #expect(Self.spans(collector).map { $0["name"]?.string } == ["first", "third"])
        #expect(telemetry.report["fault"] == nil)
    }

    @Test(
        "spans that the collector rejects from a batch that it takes are lost, and are not sent again",
        arguments: [
            (#"{"partialSuccess": {"rejectedSpans": "1", "errorMessage": "too old"}}"#, 1, "too old"),
            (#"{"partialSuccess": {"rejectedSpans": 1}}"#, 1, "rejected"),
            (#"{"partialSuccess": {"errorMessage": "use gzip"}}"#, 0, "use gzip"),
            (#"{"partialSuccess": {"rejectedSpans": "0", "errorMessage": ""}}"#, 0, nil), (#"{}"#, 0, nil),
            (#"{"partialSuccess": {"rejectedSpans": "-7"}}"#, 0, nil), ("no JSON", 0, nil),
            (#"{"partialSuccess": {"rejectedSpans": 9000}}"#, 1, "9000"),
        ])
    func partialSuccess(answer: String, lost: Int64, fault: String?) async throws {
        let collector = try StandInCollector()
        collector.say(answer)
        let telemetry = try Self.telemetry(["OTEL_EXPORTER_OTLP_ENDPOINT": collector.url])
        telemetry.begin("first", under: nil)?.end()
        await telemetry.close(within: .seconds(60))
        #expect(collector.tries == 1)
        #expect(telemetry.report["spansDropped"] == .int(lost))
        #expect(telemetry.report["spansSent"] == .int(1 - lost))
        let said = telemetry.report["fault"]?.string
        #expect(said.map { text in fault.map { text.contains($0) } ?? false } ?? (fault == nil), "\(said ?? "-")")
    }

    @Test("a command that ends waits for no collector of which another one has just learned that it takes nothing")
    func absence() async throws {
        let home = try TestHome()
        let absence = CollectorAbsence(path: home.paths.stateDirectory + "/collector-away")
        let time = Mutex(Timestamp(seconds: 1_700_000_000))
        let clock = WallClock { time.withLock { $0 } }
        func telemetry(_ url: String) throws -> Telemetry {
            let settings = try #require(
                try TelemetrySettings(environment: [
                    "OTEL_EXPORTER_OTLP_ENDPOINT": url, "OTEL_BSP_SCHEDULE_DELAY": "3600000",
                ]))
            return Telemetry(
                settings, over: HTTPClient(configuration: HTTPClientConfiguration(environment: [:])), log: .off,
                clock: clock, absence: absence)
        }
        let busy = try StandInCollector(statuses: Array(repeating: 503, count: 1000))
        let first = try telemetry(busy.url)
        first.begin("first", under: nil)?.end()
        await first.close(within: .seconds(3600))
        #expect(absence.isKnown(at: clock.now))
        let silent = try StandInCollector()
        silent.hold(true)
        let second = try telemetry(silent.url)
        second.begin("second", under: nil)?.end()
        await second.close(within: .seconds(3600))
        #expect(second.report["spansSent"] == 0)
        time.withLock { $0 = $0 + .seconds(61) }
        #expect(!absence.isKnown(at: clock.now))
        silent.hold(false)
    }

    @Test("what finds no room in the queue is dropped and counted, and never waits")
    func full() async throws {
        let telemetry = try Self.telemetry([
            // Nobody listens there.
            "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_BSP_MAX_QUEUE_SIZE": "10",
            "OTEL_BSP_SCHEDULE_DELAY": "3600000",
        ])
        for number in 0..<100 { telemetry.begin("call \(number)", under: nil)?.end() }
        let dropped = telemetry.tracer.dropped
        #expect(dropped >= 80 && telemetry.tracer.waiting <= 10)
        await telemetry.close(within: .milliseconds(200))
        #expect(telemetry.report["spansSent"] == 0)
    }

    @Test("a slow collector holds no call up: the queue keeps its bound, what is dropped is counted and said")
    func slow() async throws {
        let home = try TestHome()
        let collector = try StandInCollector()
        collector.hold(true)
        let settings = try #require(
            try TelemetrySettings(environment: [
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_MAX_QUEUE_SIZE": "20",
                "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "5", "OTEL_BSP_SCHEDULE_DELAY": "1",
            ]))
        let log = home.path + "/telemetry.log"
        let telemetry = Telemetry(
            settings, over: HTTPClient(configuration: HTTPClientConfiguration(environment: [:])),
            log: Log(LogSettings(path: log, level: .info)), absence: nil)
        telemetry.begin("first", under: nil)?.end()
        #expect(await eventually { collector.tries == 1 })
        // As long as the collector says nothing, calls begin and end.
        for number in 1..<200 { telemetry.begin("call \(number)", under: nil)?.end() }
        #expect(telemetry.tracer.waiting == 20 && telemetry.tracer.dropped == 179)
        #expect(telemetry.report["spansDropped"] == 179 && collector.tries == 1)
        collector.hold(false)
        #expect(await eventually { telemetry.report["spansSent"] == 21 })
        #expect(
            await eventually {
                let bytes = (try? ProtectedFile.read(log)) ?? []
                return String(decoding: bytes, as: UTF8.self).contains("179 spans were dropped")
            })
        await telemetry.close()
    }

    @Test("a request that a session has sent is a part of its call, with the time that it took")
    func past() async throws {
        let collector = try StandInCollector()
        let telemetry = try Self.telemetry(["OTEL_EXPORTER_OTLP_ENDPOINT": collector.url])
        let call = try #require(telemetry.begin("run", under: nil))
        let begun = Timestamp(seconds: 1_700_000_000)
        call.past(
            "GET /v1.0/users", .client, begun: begun, lasted: .milliseconds(250), [("mm.class", "read")], fault: "403")
        call.end()
        await telemetry.close()
        let spans = Self.spans(collector)
        let part = try #require(spans.first { $0["name"] == "GET /v1.0/users" })
        let whole = try #require(spans.first { $0["name"] == "run" })
        #expect(part["parentSpanId"] == whole["spanId"] && part["traceId"] == whole["traceId"])
        #expect(part["spanId"] != whole["spanId"])
        #expect(part["startTimeUnixNano"] == "1700000000000000000" && part["endTimeUnixNano"] == "1700000000250000000")
        #expect(Self.attributes(part)["mm.class"] == "read")
    }

    @Test("metrics have the JSON of the specification")
    func metrics() async throws {
        let collector = try StandInCollector()
        let telemetry = try Self.telemetry(["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": collector.url + "/v1/metrics"])
        #expect(telemetry.begin("run", under: nil) == nil)
        telemetry.sendMetrics {
            [
                MetricFamily(
                    "mm_requests_total", "Calls.", .counter([.init([("operation", "run"), ("outcome", "done")], 3)])),
                MetricFamily("mm_memory_bytes", "Memory.", .gauge([.init([], 1.5)])),
                MetricFamily(
                    "mm_request_duration_seconds", "How long.",
                    .histogram(.init(bounds: [0.1, 1], buckets: [2, 1], sum: 4.5, count: 4))),
            ]
        }
        await telemetry.close()
        let request = try #require(collector.accepted.first)
        #expect(request.path == "/v1/metrics")
        let metrics = try #require(request.json?["resourceMetrics"]?[0]?["scopeMetrics"]?[0]?["metrics"]?.array)
        #expect(
            metrics.map { $0["name"]?.string } == [
                "mm_requests_total", "mm_memory_bytes", "mm_request_duration_seconds",
            ])
        #expect(metrics[0]["sum"]?["isMonotonic"] == true && metrics[0]["sum"]?["aggregationTemporality"] == 2)
        #expect(metrics[0]["sum"]?["dataPoints"]?[0]?["asDouble"]?.double == 3)
        #expect(Self.attributes(metrics[0]["sum"]?["dataPoints"]?[0]) == ["operation": "run", "outcome": "done"])
        #expect(metrics[1]["gauge"]?["dataPoints"]?[0]?["asDouble"] == 1.5)
        let point = metrics[2]["histogram"]?["dataPoints"]?[0]
        #expect(point?["bucketCounts"] == ["2", "1", "1"] && point?["explicitBounds"] == [0.1, 1.0])
        #expect(point?["count"] == "4" && point?["sum"] == 4.5)
    }

    @Test("nothing is sent where no endpoint is named or the switch is off, and wrong variables are named")
    func settings() throws {
        #expect(try TelemetrySettings(environment: [:]) == nil)
        let on = ["OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector.example:4318/base/"]
        let settings = try #require(try TelemetrySettings(environment: on))
        #expect(settings.traces?.url == "https://collector.example:4318/base/v1/traces")
        #expect(settings.metrics?.url == "https://collector.example:4318/base/v1/metrics")
        #expect(try TelemetrySettings(environment: on.merging(["OTEL_SDK_DISABLED": "true"]) { $1 }) == nil)
        let tracesAlone = try TelemetrySettings(environment: on.merging(["OTEL_METRICS_EXPORTER": "none"]) { $1 })
        #expect(tracesAlone?.metrics == nil && tracesAlone?.traces != nil)
        for (name, value) in [
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/protobuf"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
            ("OTEL_BSP_MAX_QUEUE_SIZE", "many"), ("OTEL_TRACES_SAMPLER", "xray"), ("OTEL_TRACES_EXPORTER", "zipkin"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Bearer s3cret"),
        ] {
            do throws(MMError) {
                _ = try TelemetrySettings(environment: on.merging([name: value]) { $1 })
                Issue.record("\(name)=\(value) was taken")
            } catch {
                #expect(error.message.contains(name) || error.message.contains("OTEL_"), "\(error.message)")
                #expect(error.hint?.isEmpty == false)
                #expect(!error.message.contains("s3cret"))
            }
        }
        #expect(TelemetrySettings.isSecret("OTEL_EXPORTER_OTLP_TRACES_HEADERS"))
        #expect(!TelemetrySettings.isSecret("OTEL_SERVICE_NAME"))
    }
}
