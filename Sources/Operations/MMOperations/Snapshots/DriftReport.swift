import MMCore

/// What a comparison found, in the forms in which it is told.
struct DriftReport: Sendable {
    /// What the two sides are called.
    let before: String
    let after: String
    /// What differs; a report of news alone leaves the rest out.
    var findings: [SnapshotFinding]
    /// What differs and is accepted today, with who says so.
    private(set) var accepted: [(finding: SnapshotFinding, deviation: AcceptedDeviation)] = []
    /// What was accepted until a day that is over, by the digest of the finding.
    private var over: [String: AcceptedDeviation] = [:]
    /// Who made a change and when, by the id of the object.
    var origins: [String: ChangeOrigin] = [:]
    /// What could not be compared.
    private(set) var gaps: [SnapshotDifference.Gap]
    /// How many kinds were compared.
    let kinds: Int
    /// The ids of the names in the earlier snapshot, for proposals.
    let ids: [SnapshotKind.ReferenceSpace: [String: String]]
    /// Whether ids mean the same on both sides.
    let isOneTenant: Bool
    /// What the service's own configuration management says; `nil` where the tenant has none, or it was not asked.
    var service: ServiceWatch?

    init(
        _ difference: SnapshotDifference, before: String, after: String,
        ids: [SnapshotKind.ReferenceSpace: [String: String]]
    ) {
        (self.before, self.after, self.ids) = (before, after, ids)
        findings = difference.findings
        gaps = difference.gaps
        kinds = difference.compared.count
        isOneTenant = !difference.isBetweenTenants
    }

    /// The answer.
    /// - Parameters:
    ///   - isSARIF: as the form that code scanning reads.
    ///   - proposals: commands that would take the changes back, where somebody asked for them.
    func answer(isSARIF: Bool, proposals: [RepairProposal]?) -> OperationAnswer {
        var answer: OperationAnswer
        if isSARIF {
            let log = sarif
            answer = OperationAnswer(.value(log), verbatim: JSONWriter.string(log, layout: .indented(2)))
        } else {
            answer = OperationAnswer(.value(json(proposals)), text: text(proposals))
        }
        let known = gaps.filter { !$0.isOneSided }
        if !known.isEmpty {
            answer.notes.append(
                "Not compared, since neither side has it: "
                    + known.map { "\($0.kind) (\(VisibleText.exact($0.reason)))" }.joined(separator: "; "))
        }
        if !isEmpty { answer.exitStatus = Self.driftStatus }
        let lacking = gaps.filter(\.isOneSided)
        if !lacking.isEmpty {
            let text =
                "Not compared, since one side alone has it: "
                + lacking.map { "\($0.kind) (\(VisibleText.exact($0.reason)))" }.joined(separator: "; ")
            answer.notes.append(text)
            answer.missing = text
        }
        return answer
    }

    /// The exit code that says that something differs: 1 says that something went wrong, as with `terraform plan`.
    static let driftStatus: Int32 = 2

    /// Notes a kind that was asked for and that the earlier side hasn't got.
    mutating func miss(_ kind: SnapshotKind, _ reason: String) {
        gaps.removeAll { $0.kind == kind.name }
        gaps.append(SnapshotDifference.Gap(kind: kind.name, reason: reason, isOneSided: true))
    }

    /// Sets aside what is accepted on a day.
    mutating func accept(_ deviations: AcceptedDeviations, on day: String) {
        for finding in findings + (service?.drifts ?? []) {
            guard let (deviation, holds) = deviations.acceptance(of: finding, on: day) else { continue }
            if holds { accepted.append((finding, deviation)) } else { over[finding.digest] = deviation }
        }
        let set = Set(accepted.map(\.finding))
        findings.removeAll(where: set.contains)
        service?.drifts.removeAll(where: set.contains)
    }

    /// Whether nothing differs.
    var isEmpty: Bool { findings.isEmpty && service?.drifts.isEmpty ?? true }

    private func count(_ change: SnapshotFinding.Change) -> Int { findings.count { $0.change == change } }

    private func json(_ proposals: [RepairProposal]?) -> JSONValue {
        var value: JSONObject = [
            "drift": .bool(!isEmpty), "before": .string(before), "after": .string(after),
            "kinds": .int(Int64(kinds)),
        ]
        for change in SnapshotFinding.Change.allCases { value[change.rawValue] = .int(Int64(count(change))) }
        value["findings"] = .array(findings.map { .object(json($0)) })
        if !accepted.isEmpty {
            value["accepted"] = .array(
                accepted.map { finding, deviation in
                    var row = json(finding)
                    for name in ["reason", "person", "since", "until"] { row[name] = deviation.json[name] }
                    return .object(row)
                })
        }
        value["notCompared"] = .array(
            gaps.map { ["kind": .string($0.kind), "reason": .string($0.reason), "oneSided": .bool($0.isOneSided)] })
        if let service {
            value["service"] = [
                "monitors": .int(Int64(service.monitors)), "resources": .int(Int64(service.resources)),
                "drifts": .array(service.drifts.map { .object(json($0)) }),
            ]
        }
        if let proposals {
            value["proposals"] = .array(
                proposals.map { proposal in
                    [
                        "kind": .string(proposal.kind), "name": .string(proposal.name),
                        "command": proposal.command.map { .string($0) } ?? .null,
                        "note": proposal.note.map { .string($0) } ?? .null,
                    ]
                })
        }
        return .object(value)
    }

    private func json(_ finding: SnapshotFinding) -> JSONObject {
        var row: JSONObject = [
            "kind": .string(finding.kind.name), "name": .string(finding.name), "id": .string(finding.id),
            "change": .string(finding.change.rawValue), "file": .string(finding.file),
            "changes": .array(
                finding.difference.changes.map { change in
                    [
                        "path": .array(change.path.map { .string($0) }), "before": change.before ?? .null,
                        "after": change.after ?? .null,
                    ]
                }),
        ]
        if let origin = origins[finding.id.lowercased()] {
            row["changedBy"] = .string(origin.who)
            row["changedAt"] = .string(origin.time)
            row["activity"] = origin.activity.map { .string($0) }
        }
        row["acceptedUntil"] = over[finding.digest].map { .string($0.until) }
        return row
    }

    private func text(_ proposals: [RepairProposal]?) -> String {
        (ownLines(proposals) + serviceLines + acceptedLines).joined(separator: "\n")
    }

    private var acceptedLines: [String] {
        guard !accepted.isEmpty else { return [] }
        return ["", "Accepted:"]
            + accepted.map { finding, deviation in
                "  \(Self.mark(finding.change)) \(finding.kind.title): \(VisibleText.exact(finding.name)), until "
                    + "\(deviation.until) by \(VisibleText.exact(deviation.person)): \(VisibleText.exact(deviation.reason))"
            }
    }

    private var serviceLines: [String] {
        guard let service else { return [] }
        let drifts = service.drifts.count
        return [
            "",
            "The service watches \(service.resources) resource\(service.resources == 1 ? "" : "s"): "
                + (drifts == 0 ? "no drift." : "\(drifts) drift\(drifts == 1 ? "" : "s")."),
        ] + lines(of: service.drifts)
    }

    private func ownLines(_ proposals: [RepairProposal]?) -> [String] {
        guard !findings.isEmpty else { return ["No drift in \(kinds) kinds: \(after) is as \(before)."] }
        var lines = [
            "\(after) against \(before): \(count(.added)) added, \(count(.removed)) removed, \(count(.changed)) changed."
        ]
        lines += self.lines(of: findings)
        guard let proposals else { return lines }
        lines += ["", "To bring this back (shown, not run; each passes the guard when you run it):"]
        for proposal in proposals {
            if let note = proposal.note { lines.append("# \(VisibleText.exact(proposal.name)): \(note)") }
            if let command = proposal.command { lines.append(command) }
        }
        return lines
    }

    /// Findings for people, by kind.
    private func lines(of findings: [SnapshotFinding]) -> [String] {
        var lines: [String] = []
        var kind: SnapshotKind?
        for finding in findings {
            if finding.kind != kind { lines += ["", finding.kind.title] }
            kind = finding.kind
            lines.append("  \(Self.mark(finding.change)) \(VisibleText.exact(finding.name))")
            if let origin = origins[finding.id.lowercased()] { lines.append("      by \(origin.text)") }
            if let ended = over[finding.digest] {
                lines.append("      was accepted until \(ended.until) by \(VisibleText.exact(ended.person))")
            }
            // All of an object that is new or gone is in its file.
            guard finding.change == .changed else { continue }
            lines += finding.difference.lines.map { "      \($0)" }
        }
        return lines
    }

    private static func mark(_ change: SnapshotFinding.Change) -> String {
        switch change {
        case .added: "+"
        case .removed: "-"
        case .changed: "~"
        }
    }
}

extension DriftReport {
    /// The report as code scanning of GitHub and Azure DevOps reads it.
    var sarif: JSONValue {
        var log = SARIFLog(of: "mm drift")
        for finding in findings + (service?.drifts ?? []) {
            let lines = finding.change == .changed ? finding.difference.lines : []
            let title =
                "\(finding.kind.title): “\(VisibleText.exact(finding.name))” was \(finding.change.rawValue)."
            log.add(
                .init(
                    rule: .init(id: finding.kind.name, summary: "Drift: \(finding.kind.title)"), level: .warning,
                    message: ([title] + lines).joined(separator: "\n"), path: finding.file, region: ["startLine": 1],
                    fingerprint: ("drift/v1", finding.digest)))
        }
        log.ran(
            isComplete: !gaps.contains(where: \.isOneSided),
            notes: gaps.map { ($0.isOneSided ? .warning : .note, "\($0.kind) was not compared: \($0.reason)") })
        return log.json
    }
}

extension DriftReport {
    /// The report as a job shows it: what differs has failed, what could not be compared is an error, what is accepted waits.
    func caseReport(of connection: String) -> CaseReport {
        let all = findings + (service?.drifts ?? [])
        var report = CaseReport(
            tool: "mm drift",
            headline: all.isEmpty
                ? "\(connection): no drift in \(kinds) kinds of configuration."
                : "\(connection): \(all.count) differences between \(before) and \(after).")
        func name(_ finding: SnapshotFinding) -> String { "\(finding.kind.title): \(finding.name)" }
        for finding in all {
            report.cases.append(
                .init(
                    group: connection, name: name(finding), result: .failed("was \(finding.change.rawValue)"),
                    lines: [finding.file] + (finding.change == .changed ? finding.difference.lines : [])))
        }
        for (finding, deviation) in accepted {
            report.cases.append(
                .init(
                    group: connection, name: name(finding),
                    result: .skipped(
                        "accepted until \(deviation.json["until"]?.string ?? "?"): "
                            + "\(deviation.json["reason"]?.string ?? "")")))
        }
        for gap in gaps {
            report.cases.append(
                .init(
                    group: connection, name: gap.kind,
                    result: gap.isOneSided ? .error("not compared: \(gap.reason)") : .skipped(gap.reason)))
        }
        if report.cases.isEmpty { report.cases = [.init(group: connection, name: "\(kinds) kinds of configuration")] }
        return report
    }
}

/// Compares two places: takes what has to be taken, and only what both have.
struct SnapshotComparison {
    let before: SnapshotPlace
    let after: SnapshotPlace
    /// What is compared; `nil` for what the earlier one has.
    let kinds: [SnapshotKind]?
    /// Whether both have to be of one tenant: a connection's own snapshot tells nothing of another one.
    var isOfOneTenant = false

    /// The difference, as a report.
    /// - Throws: `notFound` where there is nothing to compare, `conflict` for the snapshot of another tenant.
    func report(in context: OperationContext, with services: RequestServices) async throws(MMError) -> DriftReport {
        let (before, after, kinds, isOfOneTenant) = (before, after, kinds, isOfOneTenant)
        return try await before.open(reading: kinds ?? SnapshotKind.standard, in: context, with: services) {
            (first) async throws(MMError) -> DriftReport in
            let compared = kinds ?? SnapshotKind.all
            // What the earlier one doesn't have can't be compared: no request for it.
            let wanted = compared.filter { first.header.read.contains($0.name) }
            return try await after.open(reading: wanted, in: context, with: services) {
                (second) async throws(MMError) -> DriftReport in
                if isOfOneTenant { try Self.check(first, second, before, after) }
                let ids = first.ids.merging(second.ids) { $0.merging($1) { first, _ in first } }
                let difference = try SnapshotDifference(from: first, to: second, kinds: compared)
                var report = DriftReport(
                    difference, before: before.title, after: after.title, ids: ids)
                // What a caller names is missed where the earlier one hasn't got it.
                for kind in kinds ?? [] where !first.header.read.contains(kind.name) {
                    report.miss(kind, first.header.leftOut[kind.name]?.reason ?? "\(before.title) has none of it")
                }
                guard !difference.compared.isEmpty else { throw Self.nothing(report, before, after) }
                return report
            }
        }
    }

    private static func nothing(_ report: DriftReport, _ before: SnapshotPlace, _ after: SnapshotPlace) -> MMError {
        let reasons = report.gaps.prefix(5).map { "\($0.kind) (\(VisibleText.exact($0.reason)))" }
        return MMError(
            .notFound,
            "\(before.title) and \(after.title) have no kind in common that was asked for: nothing was compared."
                + (reasons.isEmpty ? "" : " Missing: \(reasons.joined(separator: "; ")).")
                + (report.gaps.count > 5 ? " And \(report.gaps.count - 5) more." : ""),
            hint: "Take a snapshot that has them: mm snapshot take CONNECTION --only KIND")
    }

    private static func check(
        _ first: SnapshotFolder, _ second: SnapshotFolder, _ before: SnapshotPlace, _ after: SnapshotPlace
    ) throws(MMError) {
        let (old, new) = (first.header.tenant.id, second.header.tenant.id)
        guard old.lowercased() != new.lowercased() else { return }
        throw MMError(
            .conflict,
            "\(before.title) is a snapshot of another tenant (\(old)) than the one that it would be compared with (\(new)).",
            hint: "Take one of this tenant: mm snapshot take CONNECTION. To compare two tenants, name the folder: "
                + "--against \(ShellWord.quoted(first.path))")
    }
}
