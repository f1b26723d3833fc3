import MMCore
import MMGuard

/// The presentation of a plan for people, programs and pull requests.
struct PlanText {
    let file: PlanFile
    /// The file's plan, as the guard judges it now.
    private let plan: Plan
    /// The signatures as they count here, where the plan needs some.
    private let signatures: PlanSignatures?

    init(_ file: PlanFile, judged: Plan? = nil, signatures: PlanSignatures? = nil) {
        self.file = file
        self.signatures = signatures
        plan = judged ?? file.plan
    }

    private var id: String { Plan.id(file.digest) }

    /// The number of steps of each class, in words: `2 write, 1 destructive`.
    private var counts: String {
        GuardClass.allCases.compactMap { one in
            let count = plan.steps.count { $0.guardClass == one }
            return count > 0 ? "\(count) \(one.rawValue)" : nil
        }.joined(separator: ", ")
    }

    fileprivate var headline: String {
        let count = plan.steps.count
        guard count > 0 else { return "Nothing to change." }
        let places = plan.connections.filter { name in plan.steps.contains { $0.connection == name } }
        return "\(count.counted("change")) in \(JointClearance.list(places)): \(counts)."
    }

    // MARK: People

    /// The plan line by line, in the form of a forecast.
    var lines: [String] {
        var lines = [
            "Plan \(id): \(headline)",
            "Made \(plan.made.iso8601) by \(plan.by); valid until \(plan.until.iso8601).",
        ]
        if let after = plan.after {
            lines.append("The rest of \(Plan.id(after)): applied changes are not repeated.")
        }
        for (number, step) in plan.steps.enumerated() { lines += [""] + self.lines(of: step, number: number + 1) }
        if let open = plan.open { lines += ["", "The plan ends here: \(open)."] }
        for approval in file.approvals { lines.append("Approved by \(approval.by) at \(approval.at.iso8601).") }
        return lines + [signatures?.missingLine].compactMap(\.self)
    }

    private func lines(of step: PlanStep, number: Int) -> [String] {
        let place = plan.connections.count > 1 ? "\(step.connection): " : ""
        var lines = ["\(number). \(place)\(step.line)", "     \(Self.title(of: step))"]
        lines += Self.details(of: step).map { "       " + $0 }
        lines += Self.consequences(of: step).map { "       ! " + $0 }
        switch step.decision {
        case .ask: lines.append("     The guard asks a person (\(step.guardClass.rawValue)): \(step.reason)")
        case .deny: lines.append("     The guard denies it: \(step.reason)")
        case .allow: break
        }
        return lines
    }

    static func title(of step: PlanStep) -> String {
        let title = VisibleText.exact(step.title)
        if case .undo(let entry, _) = step.act { return "undoes \(entry): \(title)" }
        return title
    }

    static func details(of step: PlanStep) -> [String] {
        if case .undo = step.act { return (step.change?.undoLines ?? []).map(VisibleText.exact) }
        return (step.change?.lines ?? ["what it changes is unknown"]).map(VisibleText.exact)
    }

    static func consequences(of step: PlanStep) -> [String] {
        guard let change = step.change else { return [] }
        if case .undo = step.act { return [] }
        return (change.consequences + (change.expectedObstacle.map { ["It can't be undone: \($0)."] } ?? []))
            .map(VisibleText.exact)
    }

    // MARK: Programs

    /// The plan without secrets: bodies are represented by the changes that they make.
    var json: JSONValue {
        var object: JSONObject = [
            "plan": .string(id), "digest": .string(file.digest), "made": .string(plan.made.iso8601),
            "until": .string(plan.until.iso8601), "by": .string(plan.by),
            "connections": .array(
                plan.places.map { ["connection": .string($0.connection), "tenant": .string($0.tenant)] }),
            "steps": .array(plan.steps.enumerated().map { Self.row(of: $1, number: $0 + 1) }),
            "asks": .bool(plan.asks),
            "approvals": .array(
                file.approvals.map {
                    ["by": .string($0.by), "check": .string($0.check.rawValue), "at": .string($0.at.iso8601)]
                }),
        ]
        object["approvalsMissing"] = signatures.map { .int(Int64($0.missing)) }
        object["open"] = plan.open.map { .string($0) } ?? .null
        object["after"] = plan.after.map { .string(Plan.id($0)) }
        return .object(object)
    }

    private static func row(of step: PlanStep, number: Int) -> JSONValue {
        [
            "number": .int(Int64(number)), "connection": .string(step.connection), "request": .string(step.line),
            "change": .string(title(of: step)), "class": .string(step.guardClass.rawValue),
            "verdict": .string(step.decision.rawValue), "reason": .string(step.reason),
            "lines": .array(details(of: step).map { .string($0) }),
            "consequences": .array(consequences(of: step).map { .string($0) }),
            "state": .string(step.state.etag ?? step.state.digest),
        ]
    }

    // MARK: Pull requests

    /// The plan for a pull request: a table of what changes, with each difference below.
    var markdown: String {
        var lines = [
            "### \(headline)", "", "`\(id)`, until \(plan.until.iso8601), made by \(MarkdownText.cell(plan.by))",
            "",
        ]
        if !plan.steps.isEmpty {
            lines += ["| | connection | change | class | guard |", "|---|---|---|---|---|"]
            for (number, step) in plan.steps.enumerated() {
                lines.append(
                    "| \(number + 1) | \(MarkdownText.cell(step.connection)) | \(MarkdownText.cell(Self.title(of: step))) "
                        + "| \(step.guardClass.rawValue) | \(step.decision.rawValue) |")
            }
            lines += ["", "<details><summary>Each difference</summary>", "", "```"]
            for (number, step) in plan.steps.enumerated() {
                // Code fences in an object's own text must not end the block.
                lines += self.lines(of: step, number: number + 1).map { $0.replacing("```", with: "'''") }
            }
            lines += ["```", "", "</details>"]
        }
        if let after = plan.after {
            lines += ["", "The rest of `\(Plan.id(after))`: applied changes are not repeated."]
        }
        if let open = plan.open { lines += ["", "**The plan ends here:** \(MarkdownText.cell(open))"] }
        lines += ["", "SHA-256 `\(file.digest)`"]
        return lines.joined(separator: "\n") + "\n"
    }
}

extension PlanText {
    /// The plan as a job reports it: a step that waits for approval counts as skipped, neither failed nor passed.
    var report: CaseReport {
        CaseReport(
            tool: "mm plan", headline: headline,
            cases: plan.steps.enumerated().map { number, step in
                CaseReport.Case(
                    group: step.connection, name: "\(number + 1). \(Self.title(of: step))",
                    result: step.decision == .ask ? .skipped("a person must approve it: \(step.reason)") : .passed,
                    lines: [step.line] + Self.details(of: step))
            }, text: markdown)
    }
}
