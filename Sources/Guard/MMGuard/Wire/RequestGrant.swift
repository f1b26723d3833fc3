package import MMCore

/// What a call may send, asked for each request before it leaves, and what has become of those it sent.
///
/// A value: who holds it says one call at a time in a session, and what no call sends has a grant without authority.
package struct RequestGrant: Sendable {
    /// What becomes of a request.
    package enum Outcome: Sendable, Hashable {
        /// It is sent. The class is for the record.
        case allow(GuardClass)
        /// It waits while a person is asked; `answered` says how it goes on.
        case hold(RequestQuestion)
        /// It is not sent; the code and message are for its client.
        case refuse(code: String, message: String)
    }

    /// What a person said, or that nobody could be asked.
    package enum Answer: Sendable, Hashable {
        /// This one may be sent.
        case yes
        /// This one, and as many more of its kind as were offered.
        case yesToKind
        /// Not this one, nor others of its kind.
        case no
        /// Nobody answered in time, or there was nobody.
        case nobody
    }

    /// What the call was let through for; nil for what is sent outside of calls.
    private var left: AuthorityLeft?
    private var authority: CallAuthority? { left?.authority }
    private let policy: GuardPolicy
    private let isDryRun: Bool
    /// Whether what waits for a person holds back nothing behind it: a program goes on by itself.
    private let goesOn: Bool
    private var approved: Set<String> = []
    private var refusedKinds: Set<String> = []
    private var kindsLeft: [String: Int] = [:]
    private var kindsSent: [String: Int] = [:]
    /// How the last request of each digest ended: nil while it is under way.
    private var ends: [String: Int?] = [:]
    private var digests: [UInt64: String] = [:]
    /// Where the parts of files go whose upload the call has opened.
    private var uploads: Set<String> = []
    private var report = CallReport()
    private var isStopped = false

    /// The grant of a call.
    /// - Parameters:
    ///   - authority: what it was let through for.
    ///   - policy: the connection's policy for this caller, which holds whatever the text was.
    ///   - isDryRun: whether all that changes something is held back, and everything listed.
    ///   - goesOn: whether what waits for a person holds back nothing behind it.
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

    /// The grant of what a session sends outside of calls: it looks, and no more.
    package static func outsideCalls(policy: GuardPolicy) -> RequestGrant { RequestGrant(policy: policy) }

    /// Whether it covers more than looking, so that what a call left running may need it.
    package var coversChanges: Bool { authority?.mayWrite ?? false }

    /// What was sent and what was held back so far.
    package var traffic: CallReport { report }

    /// Says what becomes of a request.
    /// - Parameters:
    ///   - intent: what it is for.
    ///   - number: its number within the session.
    package mutating func judge(_ intent: RequestIntent, number: UInt64) -> Outcome {
        let verdict = intent.verdict(policy)
        if intent.isRead, verdict.decision == .allow {
            if isDryRun { report.rehearse(intent, number: number, .allow) }
            return .allow(.read)
        }
        guard let authority else {
            return refuse(
                intent, "outside_call", "between calls a session only reads. Send it from a call: mm run, or mm__run.")
        }
        if isDryRun {
            let isLet = verdict.decision != .deny && isGranted(intent, verdict, authority)
            report.rehearse(intent, number: number, isLet ? .allow : max(verdict.decision, .ask))
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
        if refusedKinds.contains(intent.kind) { return refuse(intent, "denied", "the person said no to this.") }
        return .hold(question(intent, number, authority))
    }

    /// Goes on with a request that was held.
    package mutating func answered(_ question: RequestQuestion, _ answer: Answer) -> Outcome {
        let (intent, number) = (question.intent, question.number)
        switch answer {
        case .yes, .yesToKind:
            guard !isStopped else { return stopped(intent, number) }
            approved.insert(intent.digest)
            let outcome = pass(intent, number)
            // Several may have been held at once, each with the same offer: together they let pass what was counted.
            if answer == .yesToKind { kindsLeft[intent.kind] = min(question.moreOfKind, expected(intent.kind)) }
            return outcome
        case .no:
            refusedKinds.insert(intent.kind)
            report.refused.append(SentRequest(intent, number: number))
            return refuse(intent, "denied", "the person said no.")
        case .nobody:
            if isStopped { return stopped(intent, number) }
            isStopped = !goesOn
            report.held.append(SentRequest(intent, number: number))
            if report.question == nil { report.question = question }
            return refuse(
                intent, "confirmation_needed",
                "a person has to confirm it." + (goesOn ? "" : " This call sends no further changes."))
        }
    }

    /// An upload was opened that was let through: what is sent to its address belongs to it.
    /// - Parameter address: the address, in which its permission stands.
    package mutating func opened(_ address: String) { uploads.insert(address) }

    /// A request has ended.
    /// - Parameters:
    ///   - number: its number.
    ///   - status: the status of its answer; 0 where none came.
    ///   - wasSent: whether it began to leave.
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

    /// Whether it goes where the call has opened an upload: whatever it holds becomes a part of that file.
    private func isPartOfUpload(_ intent: RequestIntent) -> Bool {
        uploads.contains(intent.request.origin + intent.request.target)
    }

    /// Whether the very same request was let through and has come to nothing: its client tries again.
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
        let was = authority.mayWrite ? "the call was not let through for it" : "the call was let through to look"
        let names = intent.targets.prefix(Self.namesInQuestion).joined(separator: ", ")
        let left = max(expected(intent.kind) - 1, 0)
        let more =
            authority.counted == nil ? "" : " More of this kind expected: \(left == 0 ? "none" : String(left))."
        let findings = intent.findings.map { finding in
            var finding = finding
            finding.minimumDecision = max(finding.minimumDecision ?? .ask, .ask)
            finding.reason +=
                " Now a script sends it, and \(was)." + (names.isEmpty ? "" : " It works on: \(names).") + more
            return finding
        }
        return RequestQuestion(
            intent: intent, number: number,
            verdict: Verdict(findings: findings, policy: policy, previews: intent.previews), moreOfKind: left)
    }

    private static let namesInQuestion = 10

    /// How many more requests of a kind are expected: as many as were counted, or a few, less those that were sent.
    private func expected(_ kind: String) -> Int {
        max((authority?.counted ?? CallAuthority.fewTargets) - kindsSent[kind, default: 0], 0)
    }

    private mutating func stopped(_ intent: RequestIntent, _ number: UInt64) -> Outcome {
        report.held.append(SentRequest(intent, number: number))
        return refuse(intent, "confirmation_needed", "something before it waits for a person.")
    }

    private func refuse(_ intent: RequestIntent, _ code: String, _ why: String) -> Outcome {
        .refuse(code: code, message: "\(intent.request.line.prefix(300)) was not sent: \(why)")
    }
}

/// A request that changes something and was sent, or was held back.
package struct SentRequest: Sendable, Hashable {
    /// Its number within the session.
    package let number: UInt64
    /// The method.
    package let method: String
    /// The host's address.
    package let origin: String
    /// The kind of request, without what names anybody: a path's template, or a cmdlet.
    package let template: String
    /// The names of what it works on.
    package let targets: [String]
    /// The strictest class of what it does.
    package let guardClass: GuardClass
    /// The status of its answer; nil where none came, or none yet.
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

/// A request that is held open until a person has said yes or no.
package struct RequestQuestion: Sendable, Hashable {
    /// The request.
    package let intent: RequestIntent
    /// Its number within the session.
    package let number: UInt64
    /// What the guard says of it, and why this call may not send it by itself.
    package let verdict: Verdict
    /// How many more of this kind a yes may hold for in this call: what was counted beforehand, less what was sent.
    package let moreOfKind: Int

    /// What a person is asked: the same wherever it is asked, and bound to exactly this request.
    /// - Parameters:
    ///   - connection: the connection.
    ///   - module: the module of the session.
    package func confirmation(on connection: Connection, module: String) -> ConfirmationRequest {
        let request = intent.request.withoutVolatileParts
        return ConfirmationRequest(
            on: connection, module: module, title: "send from a script in \(module)", text: request.line,
            body: request.body.seen, parameters: request.decisiveHeaders, verdict: verdict)
    }

    /// Whether a yes can wait for the same request: only where all of it is known.
    package var canWait: Bool { intent.request.isWhole }
}
