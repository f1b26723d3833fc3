import MMCore
import MMDesk
import MMGuard
import MMIdentity

/// Many requests in one call, given as JSON lines, a list, or the body of a `$batch`.
struct BatchOfRequests {
    let parts: [BatchPart]

    /// Reads the requests, each with `url` and optionally `id`, `method`, `headers`, `body`, `dependsOn`.
    /// - Throws: `.invalidInput` with the number of the faulty request.
    init(_ text: String, client: GuardedClient) throws(MMError) {
        var parts: [BatchPart] = []
        for (index, value) in try Self.values(text).enumerated() {
            let number = index + 1
            func refused(_ what: String) -> MMError {
                MMError(
                    .invalidInput, "Request \(number) of the batch \(what).",
                    hint:
                        "A request is {\"method\": \"GET\", \"url\": \"/users/ID\"}, with `id`, `headers`, `body` and "
                        + "`dependsOn` as needed; the default method is GET.", details: ["field": "batch"])
            }
            guard let object = value.object else { throw refused("isn't a JSON object") }
            let known: Set<String> = ["id", "method", "url", "headers", "body", "dependsOn"]
            if let stranger = object.keys.first(where: { !known.contains($0) }) {
                throw refused("has the unknown key `\(stranger.prefix(40))`")
            }
            guard let url = object["url"]?.string, !url.isEmpty else { throw refused("has no `url`") }
            let target: RequestTarget
            do throws(MMError) { target = try client.target(url) } catch {
                throw MMError(
                    error.code, "Request \(number) of the batch: \(error.message)", hint: error.hint,
                    details: error.details)
            }
            var headers: [String: String] = [:]
            for (name, text) in object["headers"]?.object ?? [:] where name.lowercased() != "content-type" {
                try SafeHeaders.check(name)
                headers[name] = text.string ?? text.description
            }
            let body = object["body"].flatMap { $0.isNull ? nil : $0 }
            let request = try GraphRequest(
                method: object["method"]?.string ?? "GET", target: target, headers: headers,
                body: body.map { JSONWriter.bytes($0) }, contentType: body == nil ? nil : "application/json")
            parts.append(
                BatchPart(
                    id: object["id"]?.string ?? object["id"]?.int.map(String.init) ?? String(number), request: request,
                    dependsOn: object["dependsOn"]?.array?.compactMap { $0.string ?? $0.int.map(String.init) } ?? []))
        }
        guard !parts.isEmpty else {
            throw MMError(
                .invalidInput, "The batch holds no request.", hint: "Give one JSON object a line.",
                details: ["field": "batch"])
        }
        self.parts = parts
    }

    /// The order that the requests demand, in words; they are numbered as they are listed, because a person is shown no
    /// ids.
    var order: [String] {
        var numbers: [String: Int] = [:]
        for (index, part) in parts.enumerated() { numbers[part.id.lowercased()] = index + 1 }
        return parts.enumerated().flatMap { index, part in
            part.dependsOn.compactMap { numbers[$0.lowercased()] }
                .map { "request \(index + 1) is only sent if request \($0) succeeds" }
        }
    }

    private static func values(_ text: String) throws(MMError) -> [JSONValue] {
        // The text is a list or the body of a `$batch`, or else has one request in each line.
        if let whole = try? JSONParser.parse(text, limits: .strict) {
            if let list = whole.array ?? whole["requests"]?.array { return list }
            if whole.object != nil { return [whole] }
        }
        var values: [JSONValue] = []
        // By bytes: CR and LF are one character, and a string may contain what Unicode calls a line's end.
        for (index, bytes) in text.utf8.split(separator: 0x0A, omittingEmptySubsequences: false).enumerated() {
            let line = Substring(bytes)
            guard !line.allSatisfy(\.isWhitespace) else { continue }
            do throws(JSONError) { values.append(try JSONParser.parse(String(line), limits: .strict)) } catch {
                throw MMError(
                    .invalidInput, "Line \(index + 1) of the batch isn't JSON: \(error).",
                    hint: "Give one JSON object a line, or a list of them (in a terminal: --batch @requests.jsonl).",
                    details: ["field": "batch"])
            }
        }
        return values
    }

    /// Returns the requests within the body of a `$batch`; none where it can't be read, which the service will report.
    static func parts(ofBody body: JSONValue?, client: GuardedClient) -> [BatchPart] {
        body.flatMap { try? BatchOfRequests(JSONWriter.string($0), client: client) }?.parts ?? []
    }

    /// Sends the requests, and records their changes in the journal.
    func answer(
        _ watch: WriteWatch, by cleared: Cleared<[GraphRequest]>, changing writes: [WriteWatch.Write],
        progress: ItemProgress
    ) async throws(MMError) -> OperationAnswer {
        let told = Mutex(0)
        var notes: [String] = []
        let entries = try await watch.begin(writes, notes: &notes)
        let answers: [BatchAnswer]
        let end: MMError?
        do throws(MMError) {
            let deadline = watch.context.deadline
            (answers, end) = try await watch.client.batch(parts, by: cleared, deadline: deadline) { done in
                let new = told.withLock { told in
                    defer { told = max(told, done) }
                    return max(0, done - told)
                }
                if new > 0 { progress.came(new) }
            }
        } catch {
            await watch.end(entries, entries.map { _ in .failed(error) })
            throw error
        }
        await watch.end(
            entries,
            answers.map { .init(status: $0.status, headers: $0.headers, body: $0.body, arrival: $0.arrival) })
        if let end, end.code == .cancelled { throw end }
        let rows = answers.map { answer -> JSONValue in
            var row: JSONObject = ["id": .string(answer.id), "status": .int(Int64(answer.status))]
            // The address of a download, or of work that goes on, is all that such an answer says.
            if let place = answer.headers.first(where: { $0.key.lowercased() == "location" })?.value {
                row["headers"] = ["Location": place]
            }
            if !answer.body.isNull { row["body"] = answer.body }
            return .object(row)
        }
        var answer = OperationAnswer(.value(.array(rows)), notes: notes, connection: watch.connection.name)
        let failed = answers.filter { $0.status >= 400 }
        if !failed.isEmpty {
            let list = failed.prefix(20).map { "\($0.id) (\($0.status))" }.joined(separator: ", ")
            // The hint of a sign-in says to repeat the call, which would repeat what was done.
            let hint = end?.code == .signInNeeded ? "Then send only those that failed again." : end?.hint
            let text = ["\(failed.count) of \(answers.count) requests failed: \(list).", end?.message, hint]
                .compactMap(\.self).joined(separator: " ")
            answer.notes.append(text)
            answer.missing = text
        }
        return answer
    }
}
