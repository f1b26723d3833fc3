import MMCore
import MMHTTP
import MMOperations
import MMSessions

/// The routes of calls that continue after they were answered.
struct JobCalls: Sendable {
    let calls: CallRoutes
    /// The jobs of this process.
    let table: WorkTable
    let others: OtherNodesJobs

    /// The maximum size in bytes of an answer that is included in a job's description.
    private static let most = 25_000

    func add(to router: inout Router<AdmittedPeer>) {
        router.get("/v1/jobs", list)
        router.get("/v1/jobs/{job}", show)
        router.delete("/v1/jobs/{job}", cancel)
        router.get("/v1/jobs/{job}/answer", answer)
    }

    /// Returns the 202 response for a call that continues.
    static func accepted(_ job: JobAnswer, isPreferred: Bool) -> HTTPServerResponse {
        var row = JobRow(job.handle, job.operation, .running)
        row.seconds = job.seconds
        var response = HTTPServerResponse.json(JSONWriter.bytes(.object(object(row))), status: 202)
        response.headers.set("Location", location(of: job.handle))
        response.headers.set("Retry-After", "1")
        response.headers.set("Cache-Control", "no-store")
        if isPreferred { response.headers.set("Preference-Applied", "respond-async") }
        return response
    }

    @Sendable private func list(_ request: AdmittedRequest) async throws(MMError) -> HTTPServerResponse {
        let reader = try calls.reader(request)
        let words = calls.words(for: reader.caller.surface)
        let reports = table.reports(for: try reach(request)).map { Self.object($0, in: words) }
        let all = reports + (try await others.all(for: reader)).map(Self.object)
        return noStore(["jobs": .array(all.map { .object($0) })])
    }

    @Sendable private func show(_ request: AdmittedRequest) async throws(MMError) -> HTTPServerResponse {
        let job: any LongWork
        do throws(MMError) { job = try work(request) } catch {
            return noStore(.object(Self.object(try await elsewhere(request, after: error, others.job))))
        }
        let words = try words(request)
        guard MediaTypes.names("text/event-stream", in: request.http.headers) else {
            var response = noStore(.object(try described(job, in: words)))
            if job.ended == nil { response.headers.set("Retry-After", "1") }
            return response
        }
        let last = request.http.headers["Last-Event-ID"]
        // 204 tells an EventSource not to reconnect.
        if last == Self.endID { return HTTPServerResponse(status: 204) }
        return .events { (writer) async throws(HTTPError) in
            for await event in job.events {
                switch event {
                case .progress(let progress):
                    let event = Self.event(progress)
                    if event.id != last { try await writer.send(event) }
                case .ended(let report):
                    let data = JSONWriter.string(
                        .object((try? described(job, in: words)) ?? Self.object(report, in: words)))
                    try await writer.send(SSEEvent(data: data, event: "ended", id: Self.endID))
                }
            }
        }
    }

    @Sendable private func answer(_ request: AdmittedRequest) async throws(MMError) -> HTTPServerResponse {
        let work: any LongWork
        do throws(MMError) { work = try self.work(request) } catch {
            let answer = try await elsewhere(request, after: error, others.answer)
            if let job = JobAnswer(answer) { return Self.accepted(job, isPreferred: false) }
            return try await PlainAnswer.response(answer, for: request.http.headers)
        }
        guard let job = work as? Job<KeptAnswer> else {
            throw MMError(
                .notFound, "“\(work.handle)” is a command of a shell, which has output but no answer.",
                hint: "Read it with the operation `output`.")
        }
        guard let result = job.result else {
            return Self.accepted(JobAnswer(job.report), isPreferred: false)
        }
        let words = try words(request)
        do throws(MMError) {
            var answer = try result.get().read()
            answer.notes = answer.notes.map(words)
            return try await PlainAnswer.response(answer, for: request.http.headers)
        } catch {
            throw error.told(in: words)
        }
    }

    /// Asks the cluster's other nodes about a job that isn't found here.
    /// - Throws: this node's error if no other node has the job.
    private func elsewhere<Answer>(
        _ request: AdmittedRequest, after error: MMError,
        _ ask: (String, CallContext) async throws(MMError) -> Answer?
    ) async throws(MMError) -> Answer {
        guard error.code == .notFound, let answer = try await ask(request.name("job"), try calls.reader(request)) else {
            throw error
        }
        return answer
    }

    @Sendable private func cancel(_ request: AdmittedRequest) async throws(MMError) -> HTTPServerResponse {
        let work: any LongWork
        do throws(MMError) { work = try self.work(request) } catch {
            return noStore(.object(Self.object(try await elsewhere(request, after: error, others.cancel))))
        }
        if work.ended == nil { _ = try await table.cancel(work.handle, for: try reach(request)) }
        return noStore(.object(Self.object(work.report, in: try words(request))))
    }

    private func words(_ request: AdmittedRequest) throws(MMError) -> @Sendable (String) -> String {
        calls.words(for: try calls.reader(request).caller.surface)
    }

    private func work(_ request: AdmittedRequest) throws(MMError) -> any LongWork {
        try table.work(request.name("job"), for: try reach(request))
    }

    private func reach(_ request: AdmittedRequest) throws(MMError) -> Set<String>? {
        OperationJobs.reachableOwners(of: try calls.reader(request))
    }

    /// Describes a job, including its answer if that is small.
    private func described(_ work: any LongWork, in words: (String) -> String) throws(MMError) -> JSONObject {
        var object = Self.object(work.report, in: words)
        guard let job = work as? Job<KeptAnswer>, case .success(let kept)? = job.result else { return object }
        object["answerLocation"] = .string(Self.location(of: job.handle) + "/answer")
        let answer = try kept.read()
        if !answer.errors.isEmpty { object["errors"] = .array(answer.errors.map { .object($0.json) }) }
        guard answer.stored == nil else { return object }
        switch answer.body {
        case .value(let value) where JSONWriter.bytes(value).count <= Self.most: object["answer"] = value
        case .json(let bytes) where bytes.count <= Self.most: object["answer"] = try? JSONParser.parse(bytes)
        case .text(let text) where text.utf8.count <= Self.most: object["answer"] = .string(text)
        default: break
        }
        return object
    }

    /// Returns the public description of a job of this process.
    /// - Parameter words: rewrites messages for the caller.
    static func object(_ report: JobReport, in words: (String) -> String) -> JSONObject {
        var object = object(JobRow(report))
        object["progress"] = report.progress.map { .object(members($0)) }
        object["error"] = report.error.map { .object($0.told(in: words).json) }
        return object
    }

    /// Returns the public description of a job of any process.
    private static func object(_ row: JobRow) -> JSONObject {
        var object: JSONObject = [
            "job": .string(row.handle), "operation": .string(row.operation), "state": .string(row.stateWord),
        ]
        object["started"] = row.started.map { .string($0.iso8601) }
        object["seconds"] = row.seconds.map { .int(Int64($0)) }
        object["location"] = .string(location(of: row.handle))
        object["progress"] = row.progress.map { ["message": .string($0)] }
        object["node"] = row.node.map { .string($0) }
        return object
    }

    private static func location(of handle: String) -> String { "/v1/jobs/\(handle)" }

    private static func members(_ progress: JobProgress) -> JSONObject {
        ProgressReport(done: progress.done, total: progress.total, message: progress.message).json
    }

    private static let endID = "end"

    /// A progress event describes the current state, not what happened, so a client that reconnects needs only the
    /// latest, and only if it hasn't seen it. The event's id is therefore derived from its content.
    private static func event(_ progress: JobProgress) -> SSEEvent {
        let data = JSONWriter.string(.object(members(progress)))
        return SSEEvent(data: data, event: "progress", id: Hex.text(SHA256.digest(Array(data.utf8)).prefix(8)))
    }

    private func noStore(_ value: JSONValue) -> HTTPServerResponse {
        var response = HTTPServerResponse.json(JSONWriter.bytes(value))
        response.headers.set("Cache-Control", "no-store")
        return response
    }
}
