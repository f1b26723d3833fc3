import MMCore
import MMHTTP
import MMOperations

/// Responses for programs that didn't ask for events: the body alone.
enum PlainAnswer {
    private static let json = "application/json"
    private static let lines = "application/x-ndjson"
    private static let text = "text/plain"

    private static let note = "MM-Note"
    private static let error = "MM-Error"

    /// Returns a note as a header's value.
    private static func encoded(_ note: String) -> String {
        PercentCoding.encode(String(note.prefix(500))) { $0 >= 0x20 && $0 < 0x7F && $0 != 0x25 }
    }

    /// Performs a call; if the client prefers not to wait, the call continues as a job.
    static func response(
        to call: IncomingCall, from service: any OperationService, countedBy metrics: PoolMetrics,
        for headers: HTTPHeaders
    ) async throws(MMError) -> HTTPServerResponse {
        var context = call.context
        let preference = AsyncPreference(headers)
        if let preference { context.backgroundAfter = preference.wait }
        let answer = try await call.answer(from: service, countedBy: metrics, in: context)
        if let job = JobAnswer(answer) { return JobCalls.accepted(job, isPreferred: preference != nil) }
        return try await response(answer, asked: call.arguments["output"]?.string, for: headers)
    }

    /// Returns the answer in the form that the call asks for, otherwise in the one that the client prefers.
    /// - Parameter form: the call's argument `output`, for an answer that doesn't know it.
    static func response(
        _ given: OperationAnswer, asked form: String? = nil, for headers: HTTPHeaders
    ) async throws(MMError) -> HTTPServerResponse {
        let form = given.form ?? form
        let answer = try await FormedRows.answer(given, as: form)
        var response: HTTPServerResponse
        switch answer.body {
        case .value(let value): response = .json(JSONWriter.bytes(value))
        case .json(let bytes): response = .json(bytes)
        case .bytes(let bytes, let type):
            response = HTTPServerResponse(headers: ["Content-Type": type], body: .bytes(bytes))
        case .text(let words):
            // A client that asks for JSON gets JSON; one that accepts anything gets text.
            response =
                MediaTypes.best(of: [text, json], for: headers) == json
                ? .json(JSONWriter.bytes(.string(words))) : .text(words)
        case .items(let stream), .output(let stream):
            let isLines = form == FormedRows.lines || MediaTypes.best(of: [json, lines], for: headers) == lines
            response = HTTPServerResponse(
                headers: ["Content-Type": isLines ? lines : json, "Trailer": "\(note), \(error)"],
                body: .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
                    try await write(stream, isLines: isLines, to: writer)
                })
        }
        // A status of 200 says that the call was carried out, so the errors it reported need a header of their own.
        for error in answer.reportedAtOnce.prefix(16) { response.headers.add(Self.error, encoded(error)) }
        for note in answer.notes.prefix(16) {
            response.headers.add(Self.note, encoded(note))
        }
        response.headers.set("Cache-Control", "no-store")
        response.headers.set("X-Content-Type-Options", "nosniff")
        if answer.delivery != nil { response.body = delivering(response.body, of: answer) }
        return response
    }

    /// Returns the body of an answer, which counts as delivered after the body's last byte.
    private static func delivering(_ body: HTTPServerResponse.Body, of answer: OperationAnswer)
        -> HTTPServerResponse.Body
    {
        .stream(heartbeat: nil) { (writer) async throws(HTTPError) in
            switch body {
            case .bytes(let bytes): try await writer.write(bytes)
            case .stream(_, let write): try await write(writer)
            }
            do throws(MMError) { try await answer.delivered() } catch {
                throw HTTPError(.connectionLost, error.message)
            }
        }
    }

    /// Writes a list while it is fetched. If fetching fails, the connection is aborted, so that nobody mistakes a part
    /// for the whole.
    private static func write(_ stream: ItemStream, isLines: Bool, to writer: HTTPResponseWriter)
        async throws(HTTPError)
    {
        var isFirst = true
        if !isLines { try await writer.write("[") }
        while true {
            let batch: [ArraySlice<UInt8>]?
            do throws(MMError) {
                batch = try await stream.next()
            } catch {
                throw HTTPError(.connectionLost, error.message)
            }
            guard let batch else { break }
            var bytes: [UInt8] = []
            for item in batch {
                if isLines {
                    // In this JSON, line breaks occur only between tokens, where a space is equivalent.
                    bytes += item.map { $0 == 0x0A || $0 == 0x0D ? 0x20 : $0 }
                    bytes.append(0x0A)
                } else {
                    if !isFirst { bytes.append(UInt8(ascii: ",")) }
                    bytes += item
                }
                isFirst = false
            }
            try await writer.write(bytes)
        }
        if !isLines { try await writer.write("]") }
        // Notes made during the fetch; the response's head was sent long ago.
        let end = stream.end()
        for error in end.errors.prefix(16) { writer.addTrailer(Self.error, encoded(error.message)) }
        for note in end.notes.prefix(16) { writer.addTrailer(Self.note, encoded(note)) }
    }
}

/// A client's preference for an asynchronous response: `Prefer: respond-async, wait=10` (RFC 7240, sections 4.1 and
/// 4.3).
struct AsyncPreference: Sendable {
    /// How long the client is willing to wait for the result.
    let wait: Duration

    /// Reads the preference from headers; `nil` when there is none. Unknown preferences are ignored, as section 2
    /// requires.
    init?(_ headers: HTTPHeaders) {
        var isAsync = false
        var wait: Int64 = 0
        for preference in (headers["Prefer"] ?? "").split(separator: ",").prefix(32) {
            let words = preference.prefix { $0 != ";" }.lowercased().filter { $0 != " " && $0 != "\t" }
            if words == "respond-async" { isAsync = true }
            if words.hasPrefix("wait="), let seconds = Int64(words.dropFirst(5)), (0...86_400).contains(seconds) {
                wait = seconds
            }
        }
        guard isAsync else { return nil }
        self.wait = .seconds(wait)
    }
}
