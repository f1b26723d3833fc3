package import MMCore

/// The permission of a call to send requests. It is asked for each request before it is sent, and records the results.
///
/// It is a value: its holder ensures that only one call at a time uses a session. Requests outside calls have a grant
/// without
/// authority.
package struct RequestGrant: Sendable {
    /// The decision about a request.
    package enum Outcome: Sendable, Hashable {
        /// The request is sent. The class is for the record.
        case allow(GuardClass)
        /// The request waits while a person is asked; `answered` returns the final decision.
        case hold(RequestQuestion)
        /// The request isn't sent; the code and message are for its client.
        case refuse(code: String, message: String)
    }

    /// The answer of a person, or the lack of one.
    package enum Answer: Sendable, Hashable {
        /// This request may be sent.
        case yes
        /// This request may be sent, and as many more of its kind as were offered.
        case yesToKind
        /// This request may not be sent, nor others of its kind.
        case no
        /// No answer came in time, or no person could be asked.
        case nobody
    }

    /// The call's remaining authority; `nil` for requests outside calls.
    private var left: AuthorityLeft?
    private var authority: CallAuthority? { left?.authority }
    private let policy: GuardPolicy
    private let isDryRun: Bool
    /// Whether later requests may be sent although one waits for a person, because a program continues anyway.
    private let goesOn: Bool
    private var approved: Set<String> = []
    private var refusedKinds: Set<String> = []
    private var kindsLeft: [String: Int] = [:]
    private var kindsSent: [String: Int] = [:]
    /// The status of the last request with each digest; `nil` while it is open.
    private var ends: [String: Int?] = [:]
    private var digests: [UInt64: String] = [:]
    /// The addresses of uploads that the call has opened, for the parts of their files.
    private var uploads: Set<String> = []
    private var report = CallReport()
    private var isStopped = false

    /// Creates the grant of a call.
    /// - Parameters:
    ///   - authority: what the call may do.
    ///   - policy: the connection's policy for this caller, which applies in any case.
    ///   - isDryRun: whether all changes are held back, and all requests listed.
    ///   - goesOn: whether later requests may be sent although one waits for a person.
    package init(_ authority: CallAuthority, policy: GuardPolicy, isDryRun: Bool = false, goesOn: Bool = false) {
        left = AuthorityLeft(of: authority)
        self.goesOn = goesOn
        self.policy = policy
        self.isDryRun = isDryRun
    }

    private init(policy: GuardPolicy) {
        left = nil
        self.policy = policy
        isDryRun = false
        goesOn = false
    }

    /// Returns the grant for a session's requests outside calls, which may only read.
    package static func outsideCalls(policy: GuardPolicy) -> RequestGrant { RequestGrant(policy: policy) }

    /// Whether it permits changes, so that work left running by a call may need it.
    package var coversChanges: Bool { authority?.mayWrite ?? false }

    /// The requests that were sent and held back so far.
    package var traffic: CallReport { report }

    /// Decides about a request.
    /// - Parameters:
    ///   - intent: the request and its meaning.
    ///   - number: its number within the session.
    package mutating func judge(_ intent: RequestIntent, number: UInt64) -> Outcome {
        let verdict = intent.verdict(policy)
        if intent.isRead, verdict.decision == .allow {
            if isDryRun { report.rehearse(intent, number: number, .allow) }
            return .allow(.read)
        }
        guard let authority else {
            return refuse(
                intent, "outside_call",
                "between calls a session can only read. Send it during a call: mm run, or mm__run.")
        }
        if isDryRun {
            let isLet = verdict.decision != .deny && isGranted(intent, verdict, authority)
            let own: GuardDecision = isLet ? .allow : max(verdict.decision, .ask)
            // A real run first asks about its text, or refuses it, so no change is freer than the text.
            report.rehearse(intent, number: number, max(own, authority.decision))
            return refuse(intent, "dry_run", "this is a dry run, which only reads.")
        }
        if verdict.decision == .deny {
            report.held.append(SentRequest(intent, number: number))
            return refuse(intent, "denied", verdict.reason)
        }
        guard !isStopped else { return stopped(intent, number) }
        if isRetry(intent) { return pass(intent, number, isRetry: true) }
        if isGranted(intent, verdict, authority) || isPartOfUpload(intent) { return pass(intent, number) }
        if let left = kindsLeft[intent.kind], left > 0 {
            kindsLeft[intent.kind] = left - 1
            return pass(intent, number)
        }
        if refusedKinds.contains(intent.kind) {
            return refuse(intent, "denied", "the person declined requests of this kind.")
        }
        return .hold(question(intent, number, authority))
    }

    /// Decides about a held request after the answer.
    package mutating func answered(_ question: RequestQuestion, _ answer: Answer) -> Outcome {
        let (intent, number) = (question.intent, question.number)
        switch answer {
        case .yes, .yesToKind:
            guard !isStopped else { return stopped(intent, number) }
            approved.insert(intent.digest)
            let outcome = pass(intent, number)
            // Several may have been held at once with the same offer; together they permit no more than was counted.
            if answer == .yesToKind { kindsLeft[intent.kind] = min(question.moreOfKind, expected(intent.kind)) }
            return outcome
        case .no:
            refusedKinds.insert(intent.kind)
            report.refused.append(SentRequest(intent, number: number))
            return refuse(intent, "denied", "the person declined it.")
        case .nobody:
            if isStopped { return stopped(intent, number) }
            isStopped = !goesOn
            report.held.append(SentRequest(intent, number: number))
            if report.question == nil { report.question = question }
            return refuse(
                intent, "confirmation_needed",
                "a person must confirm it." + (goesOn ? "" : " This call sends no further changes."))
        }
    }

    /// Records that a permitted upload was opened; data sent to its address belongs to it.
    /// - Parameter address: the address, which contains its own permission.
    package mutating func opened(_ address: String) { uploads.insert(address) }

    /// Records that a request has ended.
    /// - Parameters:
    ///   - number: its number.
    ///   - status: the status of its answer; 0 without an answer.
    ///   - wasSent: whether any of it was sent.
    package mutating func ended(_ number: UInt64, status: Int, wasSent: Bool) {
        report.ended(number, status: status, wasSent: wasSent)
        guard let digest = digests.removeValue(forKey: number) else { return }
        ends[digest] = .some(status)
    }

    // MARK: What may be sent

    private mutating func isGranted(
        _ intent: RequestIntent, _ verdict: Verdict, _ authority: CallAuthority
    ) -> Bool {
        if authority.listed != nil {
            return !intent.isUnclear && verdict.decision != .deny && authority.lists(intent.classes)
        }
        if intent.isUnclear, !(authority.isConfirmed && authority.isUnclear) { return false }
        let isPlain = intent.classes.isSubset(of: [.read, .write])
        let isLet = intent.isUnclear ? policy.decision(forAll: intent.classes) == .allow : verdict.decision == .allow
        if isPlain, isLet { return authority.mayWrite }
        return left?.cover(intent.classes, isNamed: intent.targets.allSatisfy(authority.shows)) ?? false
    }

    /// Returns whether a request goes to the address of an upload that the call has opened, and so is part of that
    /// file.
    private func isPartOfUpload(_ intent: RequestIntent) -> Bool {
        uploads.contains(intent.request.origin + intent.request.target)
    }

    /// Returns whether an identical request was permitted and failed, so that its client is retrying.
    private func isRetry(_ intent: RequestIntent) -> Bool {
        guard let end = ends[intent.digest], let status = end else { return false }
        return [0, 408, 429, 500, 502, 503, 504].contains(status)
    }

    private mutating func pass(_ intent: RequestIntent, _ number: UInt64, isRetry: Bool = false) -> Outcome {
        digests[number] = intent.digest
        ends[intent.digest] = .some(nil)
        if !isRetry { kindsSent[intent.kind, default: 0] += 1 }
        report.sent.append(SentRequest(intent, number: number))
        return .allow(intent.classes.strictest)
    }

    private func question(_ intent: RequestIntent, _ number: UInt64, _ authority: CallAuthority) -> RequestQuestion {
        let was = authority.mayWrite ? "the call was not approved for it" : "the call was approved only for reads"
        let names = intent.targets.prefix(Self.namesInQuestion).joined(separator: ", ")
        let left = max(expected(intent.kind) - 1, 0)
        let more =
            authority.counted == nil ? "" : " More of this kind expected: \(left == 0 ? "none" : String(left))."
        let findings = intent.findings.map { finding in
            var finding = finding
            finding.minimumDecision = max(finding.minimumDecision ?? .ask, .ask)
            finding.reason +=
                " A script is sending it now, and \(was)." + (names.isEmpty ? "" : " Objects: \(names).") + more
            return finding
        }
        return RequestQuestion(
            intent: intent, number: number,
            verdict: Verdict(findings: findings, policy: policy, previews: intent.previews), moreOfKind: left)
    }

    private static let namesInQuestion = 10

    /// Returns how many more requests of a kind are expected: the counted number, or a small default, minus those sent.
    private func expected(_ kind: String) -> Int {
        max((authority?.counted ?? CallAuthority.fewTargets) - kindsSent[kind, default: 0], 0)
    }

    private mutating func stopped(_ intent: RequestIntent, _ number: UInt64) -> Outcome {
        report.held.append(SentRequest(intent, number: number))
        return refuse(intent, "confirmation_needed", "an earlier request waits for a person's confirmation.")
    }

    private func refuse(_ intent: RequestIntent, _ code: String, _ why: String) -> Outcome {
        .refuse(code: code, message: "\(intent.request.line.prefix(300)) was not sent: \(why)")
    }
}

/// A request that changes something, and that was sent or held back.
package struct SentRequest: Sendable, Hashable {
    /// Its number within the session.
    package let number: UInt64
    /// The method.
    package let method: String
    /// The host's address.
    package let origin: String
    /// The kind of request, without personal names: a path's template, or a cmdlet.
    package let template: String
    /// The names of the objects that it concerns.
    package let targets: [String]
    /// The strictest class of its effects.
    package let guardClass: GuardClass
    /// The status of its answer; `nil` if there is none, or none yet.
    package internal(set) var status: Int?

    init(_ intent: RequestIntent, number: UInt64) {
        self.number = number
        method = intent.request.method.uppercased()
        origin = intent.request.origin
        template = intent.template
        targets = intent.targets
        guardClass = intent.classes.strictest
    }

    /// The request in one line, for people.
    package var line: String {
        let names = targets.prefix(5).joined(separator: ", ") + (targets.count > 5 ? ", …" : "")
        let what = template.hasPrefix("/") ? "\(method) \(origin)\(template)" : template
        return what + (names.isEmpty ? "" : " (\(names))") + (status.map { " → \($0)" } ?? "")
    }

    /// The request as JSON, for models and scripts.
    package var json: JSONValue {
        var object: JSONObject = [
            "method": .string(method), "host": .string(origin), "template": .string(template),
            "targets": .array(targets.map(JSONValue.string)), "class": .string(guardClass.rawValue),
        ]
        object["status"] = status.map { .int(Int64($0)) }
        return .object(object)
    }
}

/// A request that is held open until a person has answered.
package struct RequestQuestion: Sendable, Hashable {
    /// The request.
    package let intent: RequestIntent
    /// Its number within the session.
    package let number: UInt64
    /// The guard's verdict, and the reason why the call may not send the request without a question.
    package let verdict: Verdict
    /// The number of further requests of this kind in this call that an approval may include: those counted beforehand,
    /// minus those sent.
    package let moreOfKind: Int

    /// Returns the question for a person, which is the same everywhere, and bound to exactly this request.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - module: the module of the session.
    package func confirmation(on connection: Connection, module: String) -> ConfirmationRequest {
        let request = intent.request.withoutVolatileParts
        return ConfirmationRequest(
            on: connection, module: module, title: "send from a script in \(module)", text: request.line,
            body: request.body.seen, parameters: request.decisiveHeaders, verdict: verdict)
    }

    /// Whether an approval may be kept for the same request, which requires that the whole request is known.
    package var canWait: Bool { intent.request.isWhole }
}
