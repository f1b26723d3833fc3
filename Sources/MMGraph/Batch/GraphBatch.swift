public import MMCore
import MMHTTP
import MMIdentity

/// A request among many that are sent together.
public struct BatchPart: Sendable, Hashable {
    /// The id, unique within the batch.
    public let id: String
    /// The request.
    public let request: GraphRequest
    /// The parts that must have succeeded first.
    public let dependsOn: [String]

    /// Creates a part.
    /// - Parameters:
    ///   - id: the id, unique within the batch.
    ///   - request: the request.
    ///   - dependsOn: the parts that must have succeeded first.
    public init(id: String, request: GraphRequest, dependsOn: [String] = []) {
        self.id = id
        self.request = request
        self.dependsOn = dependsOn
    }
}

/// The answer to one request of a batch.
public struct BatchAnswer: Sendable, Hashable {
    /// The id of the request.
    public let id: String
    /// The status; 424 when a request that it depends on failed.
    public let status: Int
    /// The headers of the answer.
    public let headers: JSONObject
    /// The body; `null` when there is none.
    public let body: JSONValue
    /// The request.
    let request: GraphRequest
    /// The code of the error that took the place of an answer.
    var lack: MMErrorCode?
    /// What is known of the request.
    package var arrival = Arrival.answered

    /// Whether the service got a request.
    package enum Arrival: Sendable {
        /// It did, and answered.
        case answered
        /// It certainly didn't.
        case unsent
        /// It may have carried the request out, although no answer said so.
        case unknown
    }

    /// Returns the body of a request that succeeded.
    /// - Throws: the error of a request that failed, with the service's code, message and request id, as if it had been
    ///   sent alone.
    public func json() throws(MMError) -> JSONValue {
        guard status >= 400 else { return body }
        if let lack { throw MMError(lack, body["error"]?["message"]?.string ?? "") }
        var fields = HTTPHeaders()
        for (name, value) in headers { fields.add(name, value.string ?? JSONWriter.string(value)) }
        let response = GraphResponse(
            status: status, headers: fields, body: body.isNull ? [] : JSONWriter.bytes(body))
        throw ServiceError(response).mmError(for: request, retryAfter: nil)
    }
}

extension GraphClient {
    /// Sends many requests to Graph, twenty at a time ("Combine multiple HTTP requests using JSON batching").
    ///
    /// Each part is retried on its own, according to its answer and method. At most four requests to one mailbox are
    /// sent at once. If the answer to a part was lost and the part can't be repeated safely, its answer says so.
    ///
    /// ```swift
    /// var parts: [BatchPart] = []
    /// for id in ids {
    ///     parts.append(BatchPart(id: id, request: try GraphRequest(target: graph.target("/users/\(id)"))))
    /// }
    /// for answer in try await graph.batch(parts) { print(try answer.json()) }
    /// ```
    /// - Parameters:
    ///   - parts: the requests; their ids differ.
    ///   - deadline: when to give up.
    ///   - progress: called with the number of finished parts.
    /// - Returns: an answer for each part, in the order of the parts.
    /// - Throws: `.invalidInput` for parts that can't be put in order; as ``send(_:deadline:)`` when nothing was sent;
    ///   `.cancelled` also when some parts were.
    public func batch(
        _ parts: [BatchPart], deadline: Deadline = .after(.seconds(300)),
        progress: @escaping @Sendable (Int) -> Void = { _ in }
    ) async throws(MMError) -> [BatchAnswer] {
        let (answers, end) = try await batchToItsEnd(parts, deadline: deadline, progress: progress)
        if let end, end.code == .cancelled { throw end }
        return answers
    }

    /// Sends many requests, as `batch`.
    /// - Returns: the answers, and why the last ones were not sent if the sign-in ended before, or the call was
    ///   cancelled.
    package func batchToItsEnd(
        _ parts: [BatchPart], deadline: Deadline, progress: @escaping @Sendable (Int) -> Void
    ) async throws(MMError) -> (answers: [BatchAnswer], end: MMError?) {
        guard service == .graph else {
            throw MMError(
                .unsupported, "Batches are supported only by Graph, not by \(service.rawValue).",
                hint: "Send them one by one.")
        }
        var run = BatchRun(client: self, queue: try BatchQueue(parts), deadline: deadline, progress: progress)
        let answers = try await run.run()
        return (answers, run.end)
    }
}

/// Sends the parts of a batch until each has its answer.
struct BatchRun {
    private let client: GraphClient
    private let deadline: Deadline
    private let progress: @Sendable (Int) -> Void
    private var queue: BatchQueue
    private var attempts: [Int: Int] = [:]
    /// The parts that the service may have carried out although no answer said so.
    private var doubtful: Set<Int> = []
    private var isFirst = true
    private var hasRenewed = false
    /// Why the parts without an answer were not sent, if the sign-in ended before or the call was cancelled.
    private(set) var end: MMError?

    init(
        client: GraphClient, queue: BatchQueue, deadline: Deadline, progress: @escaping @Sendable (Int) -> Void
    ) {
        self.client = client
        self.queue = queue
        self.deadline = deadline
        self.progress = progress
    }

    mutating func run() async throws(MMError) -> [BatchAnswer] {
        while let group = queue.next() {
            let answers: [JSONValue]
            let sent = client.clock.now
            do throws(MMError) { answers = try await send(group) } catch {
                if await endsAll(error, group) { throw error }
                continue
            }
            try await take(answers, of: group, sent: sent)
            progress(queue.doneCount)
        }
        return queue.answers
    }

    private mutating func send(_ group: [Int]) async throws(MMError) -> [JSONValue] {
        if Task.isCancelled {
            var error = MMError(.cancelled, "The requests were cancelled.")
            error.isUnsent = true
            throw error
        }
        let response = try await client.send(try request(group), deadline: deadline)
        isFirst = false
        return try response.json()["responses"]?.array ?? []
    }

    private func request(_ group: [Int]) throws(MMError) -> GraphRequest {
        let version = queue.parts[group[0]].request.target.version ?? "v1.0"
        return try GraphRequest(
            method: "POST", target: try client.target("/\(version)/$batch"),
            json: ["requests": .array(group.map { queue.json(of: $0, in: group) })])
    }

    /// Decides what a batch without an answer means for its parts.
    /// - Returns: whether it ends everything.
    private mutating func endsAll(_ error: MMError, _ group: [Int]) async -> Bool {
        let isPassing = [.unavailable, .remoteFailed, .deadlineExceeded].contains(error.code)
        let mayHaveRun = (isPassing || error.code == .cancelled) && !error.isUnsent
        if isFirst && !mayHaveRun { return true }
        isFirst = false
        if mayHaveRun { doubtful.formUnion(group) }
        if Self.concernsAll(error) {
            end = error.ofLaterRequest
            for index in queue.open {
                var own = error
                own.isUnsent = error.isUnsent || !group.contains(index)
                finish(index, without: own)
            }
            return false
        }
        var waits = false
        for index in group {
            let request = queue.parts[index].request
            let repetition = attempts[index, default: 0] + 1
            attempts[index] = repetition
            if BatchQueue.isRepeatable(request), isPassing, repetition <= 3, !deadline.hasPassed {
                waits = true
            } else {
                finish(index, without: error)
            }
        }
        if waits { await pause(RetryPolicy.backoff(attempts[group[0], default: 1], client.jitter())) }
        return false
    }

    /// Ends a part whose own answer was lost, or that was never sent.
    private mutating func finish(_ index: Int, without error: MMError) {
        let part = queue.parts[index]
        let arrival: BatchAnswer.Arrival =
            doubtful.contains(index) ? .unknown : error.isUnsent ? .unsent : .answered
        let advice =
            switch arrival {
            case .unsent: " It was not sent."
            case .unknown where !BatchQueue.isRead(part.request):
                " It isn't known whether this was done: check before sending it again."
            case .unknown, .answered: ""
            }
        queue.finish(
            index,
            BatchAnswer(
                id: part.id, status: error.details["status"]?.int ?? error.httpStatus, headers: [:],
                body: ["error": ["code": .string(error.code.word), "message": .string(error.message + advice)]],
                request: part.request, lack: error.code, arrival: arrival))
    }

    /// Renews the token once if the service refused it for parts of a batch, which then didn't run.
    /// - Returns: whether these parts are to be sent again.
    /// - Throws: why there is no new token, if it is certain that nothing was done yet.
    private mutating func renews(
        _ answers: [JSONValue], of group: [Int], sent: Timestamp
    ) async throws(MMError) -> Bool {
        let refused = answers.filter { Self.status($0) == 401 }
        guard let first = refused.first.map(Self.headers), !hasRenewed else { return false }
        hasRenewed = true
        do throws(MMError) {
            let token = try await client.identity.token(
                for: client.connection, resource: client.resource, deadline: deadline)
            _ = try await client.identity.token(
                insteadOf: token, at: sent, answer: first, for: client.connection, deadline: deadline)
            return true
        } catch {
            if queue.doneCount == 0, doubtful.isEmpty, refused.count == group.count { throw error }
            return false
        }
    }

    private mutating func take(_ answers: [JSONValue], of group: [Int], sent: Timestamp) async throws(MMError) {
        let hasNewToken = try await renews(answers, of: group, sent: sent)
        var wait = Duration.zero
        var missing = Set(group)
        var dependents: [Int] = []
        var isRetried: Set<Int> = []
        for value in answers {
            guard let id = value["id"]?.string ?? value["id"]?.int.map(String.init), let index = Int(id),
                missing.remove(index) != nil
            else { continue }
            let part = queue.parts[index]
            let headers = Self.headers(value)
            let status = Self.status(value)
            if status == 401, hasNewToken {
                isRetried.insert(index)
                continue
            }
            let repetition = attempts[index, default: 0] + 1
            let ending = RetryPolicy.Ending(status, WaitAdvice(headers, now: client.clock.now))
            if status == 424 { dependents.append(index) }
            if status >= 400, status != 424,
                let again = RetryPolicy.wait(
                    after: ending, method: part.request.method, repetition: repetition,
                    isGuarded: part.request.header("If-Match") != nil, mayRepeat: part.request.mayRepeat,
                    jitter: client.jitter()), again < deadline.remaining
            {
                attempts[index] = repetition
                if status >= 500 { doubtful.insert(index) }
                isRetried.insert(index)
                wait = max(wait, again)
                continue
            }
            queue.finish(
                index,
                BatchAnswer(
                    id: part.id, status: status, headers: value["headers"]?.object ?? [:],
                    body: value["body"] ?? .null, request: part.request))
        }
        for index in missing {
            let repetition = attempts[index, default: 0] + 1
            attempts[index] = repetition
            doubtful.insert(index)
            if BatchQueue.isRepeatable(queue.parts[index].request), repetition <= 3 {
                isRetried.insert(index)
                continue
            }
            finish(index, without: MMError(.remoteFailed, "The answer to the batch doesn't include this request."))
        }
        // Parts that failed only because of a part that is retried are sent after it.
        let held = queue.dependents(of: isRetried)
        for index in dependents where held.contains(index) { queue.reopen(index) }
        if wait > .zero { await pause(wait) }
    }

    /// Waits; a cancellation ends the wait, and is told before the next batch.
    private func pause(_ wait: Duration) async { try? await client.pause(min(wait, max(deadline.remaining, .zero))) }

    /// Returns whether an error that ended a batch ends all others as well: a cancellation, or the end of the sign-in,
    /// about which each further batch would only ask the sign-in service once more.
    private static func concernsAll(_ error: MMError) -> Bool {
        [.cancelled, .signInNeeded, .forbidden].contains(error.code) || error.details["aadsts"] != nil
    }

    private static func status(_ value: JSONValue) -> Int {
        value["status"]?.int ?? value["status"]?.string.flatMap { Int($0) } ?? 0
    }

    private static func headers(_ value: JSONValue) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for (name, value) in value["headers"]?.object ?? [:] {
            if let text = value.string ?? value.int.map(String.init) { headers.add(name, text) }
        }
        return headers
    }
}

/// The parts of a batch that have no answer yet, and the choice of those that can be sent together.
struct BatchQueue: Sendable {
    /// The maximum number of requests in one batch ("Combine multiple HTTP requests using JSON batching").
    private static let mostParts = 20
    /// The maximum number of requests to one mailbox that Exchange Online carries out concurrently.
    private static let mostOfMailbox = 4

    let parts: [BatchPart]
    private let needs: [[Int]]
    /// The parts, each after those that it depends on.
    private let order: [Int]
    private var found: [BatchAnswer?]

    /// Creates a queue of the parts.
    /// - Throws: `.invalidInput` for ids that aren't unique, and for dependencies that are unknown or run in a circle.
    init(_ parts: [BatchPart]) throws(MMError) {
        var places: [String: Int] = [:]
        for (index, part) in parts.enumerated() {
            guard places.updateValue(index, forKey: part.id.lowercased()) == nil else {
                throw Self.refused("Two requests have the id `\(part.id.prefix(60))`.", "Use a different id for each.")
            }
        }
        var needs: [[Int]] = []
        for part in parts {
            var own: [Int] = []
            for id in part.dependsOn {
                guard let index = places[id.lowercased()] else {
                    throw Self.refused(
                        "`\(part.id.prefix(60))` depends on `\(id.prefix(60))`, which is not in the batch.",
                        "Use the id of another request.")
                }
                own.append(index)
            }
            needs.append(own)
        }
        self.parts = parts
        self.needs = needs
        order = try Self.ordered(parts, needs)
        found = Array(repeating: nil, count: parts.count)
    }

    /// All answers, in order.
    var answers: [BatchAnswer] { found.compactMap(\.self) }
    /// The number of parts that have their answer.
    var doneCount: Int { found.count { $0 != nil } }

    /// The parts that have none yet.
    var open: [Int] { found.indices.filter { found[$0] == nil } }

    mutating func finish(_ index: Int, _ answer: BatchAnswer) { found[index] = answer }
    mutating func reopen(_ index: Int) { found[index] = nil }

    /// Returns the parts that depend, directly or indirectly, on one of the others.
    func dependents(of others: Set<Int>) -> Set<Int> {
        var held: Set<Int> = []
        for index in order where needs[index].contains(where: { others.contains($0) || held.contains($0) }) {
            held.insert(index)
        }
        return held
    }

    /// Returns whether a request changes nothing.
    static func isRead(_ request: GraphRequest) -> Bool { ["GET", "HEAD", "OPTIONS"].contains(request.method) }

    /// Returns whether a request can safely be sent twice.
    static func isRepeatable(_ request: GraphRequest) -> Bool {
        isRead(request) || request.header("If-Match") != nil || request.mayRepeat
    }

    /// Returns the parts to send next; `nil` when all have their answer.
    mutating func next() -> [Int]? {
        for index in order where found[index] == nil {
            guard let failed = needs[index].first(where: { found[$0].map { $0.status >= 400 } ?? false }) else {
                continue
            }
            found[index] = BatchAnswer(
                id: parts[index].id, status: 424, headers: [:],
                body: [
                    "error": [
                        "code": "FailedDependency",
                        "message": .string("The request \(parts[failed].id), which this one depends on, failed."),
                    ]
                ], request: parts[index].request)
        }
        var group: [Int] = []
        var mailboxes: [String: Int] = [:]
        var version: String?
        for index in parts.indices where found[index] == nil && group.count < Self.mostParts {
            let target = parts[index].request.target
            guard version == nil || version == target.version,
                needs[index].allSatisfy({ found[$0] != nil || group.contains($0) })
            else { continue }
            if let mailbox = Self.mailbox(target) {
                guard mailboxes[mailbox, default: 0] < Self.mostOfMailbox else { continue }
                mailboxes[mailbox, default: 0] += 1
            }
            version = target.version
            group.append(index)
        }
        return group.isEmpty ? nil : group
    }

    /// Returns the JSON of a part in a batch.
    func json(of index: Int, in group: [Int]) -> JSONValue {
        let request = parts[index].request
        let target = request.target
        let version = target.version.map { "/" + $0 } ?? ""
        var value: JSONObject = [
            "id": .string(String(index)), "method": .string(request.method),
            "url": .string(String(target.pathAndQuery.dropFirst(version.utf8.count))),
        ]
        var headers: JSONObject = [:]
        for (name, text) in RequestDefaults.headers(for: target) { headers[name] = .string(text) }
        for (name, text) in request.headers.sorted(by: { $0.key < $1.key }) { headers[name] = .string(text) }
        if let body = request.body {
            let type = request.contentType ?? "application/json"
            headers["Content-Type"] = .string(type)
            let json = type.hasPrefix("application/json") ? try? JSONParser.parse(body) : nil
            value["body"] = json ?? .string(Base64.text(body))
        }
        if !headers.isEmpty { value["headers"] = .object(headers) }
        let waits = needs[index].filter { group.contains($0) && found[$0] == nil }
        if !waits.isEmpty { value["dependsOn"] = .array(waits.map { .string(String($0)) }) }
        return .object(value)
    }

    /// Returns the parts, each after those that it depends on.
    /// - Throws: `.invalidInput` for dependencies that run in a circle.
    private static func ordered(_ parts: [BatchPart], _ needs: [[Int]]) throws(MMError) -> [Int] {
        // 1: being visited, 2: known to be free of cycles.
        var marks = Array(repeating: 0, count: parts.count)
        var order: [Int] = []
        for start in parts.indices where marks[start] == 0 {
            var path = [(index: start, next: 0)]
            marks[start] = 1
            while let last = path.last {
                guard last.next < needs[last.index].count else {
                    marks[last.index] = 2
                    order.append(last.index)
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                let need = needs[last.index][last.next]
                if marks[need] == 1 {
                    throw refused(
                        "The requests `\(parts[need].id.prefix(60))` and `\(parts[last.index].id.prefix(60))` wait for each other.",
                        "Remove one of the dependencies.")
                }
                if marks[need] == 0 {
                    marks[need] = 1
                    path.append((need, 0))
                }
            }
        }
        return order
    }

    /// Returns the mailbox that a request is about; `nil` for all other requests.
    private static func mailbox(_ target: RequestTarget) -> String? {
        let words = target.segments.map { $0.lowercased() }
        let rest: ArraySlice<String>
        let owner: String
        switch words.first {
        case "me": (owner, rest) = ("me", words.dropFirst())
        case "users", "groups":
            guard words.count > 1 else { return nil }
            (owner, rest) = (words[1], words.dropFirst(2))
        default: return nil
        }
        return rest.first.map { mail.contains($0) } == true ? owner : nil
    }

    private static let mail: Set<String> = [
        "messages", "mailfolders", "sendmail", "events", "calendar", "calendars", "calendargroups", "calendarview",
        "contacts", "contactfolders", "mailboxsettings", "inferenceclassification", "findmeetingtimes", "getmailtips",
        "outlook", "conversations", "threads",
    ]

    private static func refused(_ message: String, _ hint: String) -> MMError {
        MMError(.invalidInput, message, hint: hint, details: ["field": "batch"])
    }
}
