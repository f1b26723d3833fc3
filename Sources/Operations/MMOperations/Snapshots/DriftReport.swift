import MMCore

/// The result of a comparison, with the formats of the report.
struct DriftReport: Sendable {
    /// The names of the two sides.
    let before: String
    let after: String
    /// The findings that aren't accepted; in a report of news, only the new ones.
    var findings: [SnapshotFinding]
    /// The findings that are accepted today, with their acceptances.
    private(set) var accepted: [(finding: SnapshotFinding, deviation: AcceptedDeviation)] = []
    /// Expired acceptances, by the digest of the finding.
    private var over: [String: AcceptedDeviation] = [:]
    /// The last change of each object, by the object's id.
    var origins: [String: ChangeOrigin] = [:]
    /// The kinds that could not be compared.
    private(set) var gaps: [SnapshotDifference.Gap]
    /// The number of compared kinds.
    let kinds: Int
    /// The ids by the names in the earlier snapshot, for proposed repairs.
    let ids: [SnapshotKind.ReferenceSpace: [String: String]]
    /// Whether both sides are the same tenant, so that ids are comparable.
    let isOneTenant: Bool
    /// The findings of the service's own configuration management; `nil` where the tenant has none, or it was not read.
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

    /// Returns the answer.
    /// - Parameters:
    ///   - isSARIF: whether to answer in the format of code scanning.
    ///   - proposals: commands that would restore the earlier state, where requested.
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
                "Not compared, because neither side has it: "
                    + known.map { "\($0.kind) (\(VisibleText.exact($0.reason)))" }.joined(separator: "; "))
        }
        if !isEmpty { answer.exitStatus = Self.driftStatus }
        let lacking = gaps.filter(\.isOneSided)
        if !lacking.isEmpty {
            let text =
                "Not compared, because only one side has it: "
                + lacking.map { "\($0.kind) (\(VisibleText.exact($0.reason)))" }.joined(separator: "; ")
            answer.notes.append(text)
            answer.missing = text
        }
        return answer
    }

    /// The exit status for differences, as with `terraform plan`; 1 means an error.
    static let driftStatus: Int32 = 2

    /// Records a requested kind that the earlier side doesn't have.
    mutating func miss(_ kind: SnapshotKind, _ reason: String) {
        gaps.removeAll { $0.kind == kind.name }
        gaps.append(SnapshotDifference.Gap(kind: kind.name, reason: reason, isOneSided: true))
    }

    /// Separates the findings whose acceptance is valid on a day.
    mutating func accept(_ deviations: AcceptedDeviations, on day: String) {
        for finding in findings + (service?.drifts ?? []) {
            guard let (deviation, holds) = deviations.acceptance(of: finding, on: day) else { continue }
            if holds { accepted.append((finding, deviation)) } else { over[finding.digest] = deviation }
        }
        let set = Set(accepted.map(\.finding))
        findings.removeAll(where: set.contains)
        service?.drifts.removeAll(where: set.contains)
    }

    /// Whether there are no findings.
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
            "The service watches \(service.resources.counted("resource")): "
                + (drifts == 0 ? "no drift." : "\(drifts.counted("drift"))."),
        ] + lines(of: service.drifts)
    }

    private func ownLines(_ proposals: [RepairProposal]?) -> [String] {
        guard !findings.isEmpty else { return ["No drift in \(kinds.counted("kind")): \(after) equals \(before)."] }
        var lines = [
            "\(after) against \(before): \(count(.added)) added, \(count(.removed)) removed, \(count(.changed)) changed."
        ]
        lines += self.lines(of: findings)
        guard let proposals else { return lines }
        lines += ["", "Commands to restore the earlier state (not run; the guard judges each when you run it):"]
        for proposal in proposals {
            if let note = proposal.note { lines.append("# \(VisibleText.exact(proposal.name)): \(note)") }
            if let command = proposal.command { lines.append(command) }
        }
        return lines
    }

    /// Returns the lines of findings, by kind.
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
            // Added and removed objects are not shown in full, since their file has the contents.
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
    /// The report as SARIF, for the code scanning of GitHub and Azure DevOps.
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
    /// Returns the report as a job shows it: findings are failures, kinds that could not be compared errors, accepted
    /// findings skipped.
    func caseReport(of connection: String) -> CaseReport {
        let all = findings + (service?.drifts ?? [])
        var report = CaseReport(
            tool: "mm drift",
            headline: all.isEmpty
                ? "\(connection): no drift in \(kinds) kinds of configuration."
                : "\(connection): \(all.count.counted("difference")) between "
                    + "\(before) and \(after).")
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

/// Compares two places: takes snapshots where needed, and compares only the kinds that both have.
struct SnapshotComparison {
    let before: SnapshotPlace
    let after: SnapshotPlace
    /// The kinds to compare; `nil` for those of the earlier side.
    let kinds: [SnapshotKind]?
    /// Whether both must be of one tenant, since a connection's stored snapshot can't be compared with another tenant.
    var isOfOneTenant = false

    /// Returns the report of the differences.
    /// - Throws: `notFound` where there is nothing to compare, `conflict` for a snapshot of another tenant.
    func report(in context: OperationContext, with services: RequestServices) async throws(MMError) -> DriftReport {
        let (before, after, kinds, isOfOneTenant) = (before, after, kinds, isOfOneTenant)
        return try await before.open(reading: kinds ?? SnapshotKind.standard, in: context, with: services) {
            (first) async throws(MMError) -> DriftReport in
            let compared = kinds ?? SnapshotKind.all
            // Kinds that the earlier side doesn't have can't be compared, so they aren't read.
            let wanted = compared.filter { first.header.read.contains($0.name) }
            return try await after.open(reading: wanted, in: context, with: services) {
                (second) async throws(MMError) -> DriftReport in
                if isOfOneTenant { try Self.check(first, second, before) }
                let ids = first.ids.merging(second.ids) { $0.merging($1) { first, _ in first } }
                let difference = try SnapshotDifference(from: first, to: second, kinds: compared)
                var report = DriftReport(
                    difference, before: before.title, after: after.title, ids: ids)
                // A kind that the caller names is reported as missing if the earlier side doesn't have it.
                for kind in kinds ?? [] where !first.header.read.contains(kind.name) {
                    report.miss(kind, first.header.leftOut[kind.name]?.reason ?? "\(before.title) does not contain it")
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
            "\(before.title) and \(after.title) have none of the requested kinds in common: nothing was compared."
                + (reasons.isEmpty ? "" : " Missing: \(reasons.joined(separator: "; ")).")
                + (report.gaps.count > 5 ? " There are \(report.gaps.count - 5) more." : ""),
            hint: "Take a snapshot with these kinds: mm snapshot take CONNECTION --only KIND")
    }

    private static func check(
        _ first: SnapshotFolder, _ second: SnapshotFolder, _ before: SnapshotPlace
    ) throws(MMError) {
        let (old, new) = (first.header.tenant.id, second.header.tenant.id)
        guard old.lowercased() != new.lowercased() else { return }
        throw MMError(
            .conflict,
            "\(before.title) is a snapshot of another tenant (\(old)) than the compared one (\(new)).",
            hint: "Take one of this tenant: mm snapshot take CONNECTION. To compare two tenants, name the folder: "
                + "--against \(ShellWord.quoted(first.path))")
    }
}
