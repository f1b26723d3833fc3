import MMCore

/// `drift`: reports the changes in a tenant.
struct Drift: CatalogueOperation {
    struct Input: OperationInput {
        @Argument(.connection) var connection: String
        @Argument(
            "against",
            "Compare with a folder, a snapshot such as Contoso@2026-11-21, or another connection (default: the latest snapshot).",
            .completes(.files))
        var against: String?
        @Argument(.kinds, asAll: SnapshotKind.chosen) var kinds: [SnapshotKind]? = nil
        @Argument("repair", "Show the commands that would restore the earlier state. None is run.")
        var showsRepairs: Bool
        @Argument(.sarif) var isSARIF: Bool
        @Argument("news", "Report only differences that are new since the last report.") var isNews: Bool
        @Argument(
            "accept",
            "Accept the current differences of these objects (name, ID or kind) until the day in `until`.",
            .notForModels)
        private var accepted: [String]
        @Argument("reason", "Reason for accepting.", .notForModels) private var reason: String?
        @Argument("until", "Last day of the acceptance, such as 2027-01-31.", .notForModels) private var until: String?
        var files = CaseReportFiles()

        /// The acceptance of deviations by a person.
        struct Acceptance {
            let names: [String]
            let reason: String
            let until: String

            /// Whether it applies to a finding.
            func means(_ finding: SnapshotFinding) -> Bool {
                names.contains { name in
                    [finding.name, finding.id, finding.kind.name].contains { $0.lowercased() == name.lowercased() }
                }
            }
        }

        /// The acceptance; `nil` where nothing is accepted.
        var acceptance: Acceptance? {
            guard !accepted.isEmpty, let reason, let until else { return nil }
            return Acceptance(names: accepted, reason: reason, until: until)
        }

        func check() throws(MMError) {
            guard !accepted.isEmpty else {
                guard reason == nil, until == nil else {
                    throw MMError(
                        .invalidInput, "`reason` and `until` can only be used with `accept`.",
                        details: ["field": "accept"])
                }
                return
            }
            guard reason != nil, let until, AcceptedDeviation.isDay(until) else {
                throw MMError(
                    .invalidInput, "`accept` needs a `reason` and a day `until`, such as 2027-01-31.",
                    hint: "mm drift CONNECTION --accept 'VPN Users' --reason 'Ticket 4711' --until 2027-01-31",
                    details: ["field": reason == nil ? "reason" : "until"])
            }
        }
    }

    let declaration = OperationDeclaration(
        "drift", command: ["drift"], title: "Find drift",
        summary: "Show what has changed in a tenant's configuration. Ends with 0 without drift, 2 with drift.",
        description:
            "Reads a connection's current configuration and compares it with its latest snapshot, with a folder, or with another "
            + "tenant: what was added, removed and changed, by kind and name, and who did it, if the directory's audit "
            + "log shows it. The exit code is 0 without drift, 2 with drift, and 1 if something failed or could not be "
            + "compared. Differences that people accepted until a day are kept in `accepted.json` beside the snapshot.",
        effects: .init(readOnly: true, openWorld: true), home: .detachable,
        examples: [
            .init("mm drift Contoso", "compares with the latest snapshot"),
            .init("mm drift Contoso --against ./tenant --sarif", "against a folder under git, in CI"),
            .init("mm drift Contoso --against Gold", "against another tenant"),
            .init("mm drift Contoso --repair", "also shows the commands that would restore the earlier state"),
            .init(
                "mm drift Contoso --accept 'VPN Users' --reason 'Ticket 4711' --until 2027-01-31",
                "accepts the differences of this object until that day"),
        ]
    ).unlisted.answeringWithTwo.plannable.forSeveral(.init(rows: "findings", atOnce: 16, alone: ["sarif", "junit"]))

    func run(
        _ input: Input, in context: OperationContext, with services: RequestServices
    ) async throws(MMError) -> OperationAnswer {
        var news: News?
        var answer = try await input.files.reporting("mm drift", on: input.connection, in: context) {
            () async throws(MMError) in
            var found: DriftReport?
            let compared = try await self.answer(input, in: context, with: services, &found, &news)
            return (
                compared, found?.caseReport(of: input.connection) ?? CaseReport(tool: "mm drift", headline: "Planned.")
            )
        }
        // Differences that reached no report would otherwise never be in one.
        if let news, answer.missing == nil {
            answer.delivery = Delivery { () async throws(MMError) in try news.keep() }
        }
        return answer
    }

    private func answer(
        _ input: Input, in context: OperationContext, with services: RequestServices, _ found: inout DriftReport?,
        _ news: inout News?
    ) async throws(MMError) -> OperationAnswer {
        let named = try input.against.map { (against) throws(MMError) in
            try SnapshotPlace(against, in: context, with: services)
        }
        // The audit line names the last connection that was looked up, which must be the one compared.
        let connection = try services.guarding.registry.connection(named: input.connection, in: context)
        let before: SnapshotPlace
        if let named {
            before = named
        } else {
            before = try SnapshotPlace.stored("latest", of: connection.name, services.guarding.paths)
        }
        let paths = services.guarding.paths
        let comparison = SnapshotComparison(
            before: before, after: .now(connection), kinds: input.kinds,
            isOfOneTenant: input.against?.contains("/") != true && before.isKept(of: connection.name, paths))
        var report = try await comparison.report(in: context, with: services)
        guard !input.showsRepairs || report.isOneTenant else {
            throw MMError(
                .unsupported, "Commands can't be proposed between two tenants, because their ids differ.",
                hint: "Leave out --repair, or compare with a snapshot of \(connection.name).")
        }
        if input.kinds == nil {
            report.service = await ServiceWatch.reading(of: connection, in: context, with: services)
        }
        var accepted = try AcceptedDeviations(in: before.acceptanceFolder(connection.name, paths))
        let today = String(Timestamp.now.iso8601.prefix(10))
        if let acceptance = input.acceptance {
            let new = try Self.deviations(acceptance, in: report, on: today, context)
            try accepted.add(new)
        }
        report.accept(accepted, on: today)
        var reported: News?
        if input.isNews {
            reported = try Self.leaveNews(
                in: &report,
                ReportMemory(paths: paths, connection: connection.name, against: input.against ?? "latest"))
        }
        let proposals =
            input.showsRepairs
            ? report.findings.flatMap { RepairProposal.all(for: $0, on: connection.name, ids: report.ids) } : nil
        if let planning = context.call.planning {
            return try Self.plan(proposals, on: connection, in: planning)
        }
        if report.isOneTenant {
            report.origins = await ChangeOrigin.found(
                for: report.findings, on: connection, in: context, with: services)
        }
        found = report
        news = reported
        var answer = report.answer(isSARIF: input.isSARIF, proposals: proposals)
        answer.connection = connection.name
        if input.isNews, report.isEmpty, !input.isSARIF { answer.text = "Nothing new." }
        return answer
    }

    /// Removes the findings that an earlier report contained.
    /// - Returns: the present findings, to be remembered once they have been reported.
    private static func leaveNews(in report: inout DriftReport, _ memory: ReportMemory) throws(MMError) -> News {
        let known = try memory.digests()
        let found = report.findings + (report.service?.drifts ?? [])
        report.findings.removeAll { known.contains($0.digest) }
        report.service?.drifts.removeAll { known.contains($0.digest) }
        return News(memory: memory, digests: Set(found.map(\.digest)))
    }

    /// The present findings, and where they are remembered.
    private struct News: Sendable {
        let memory: ReportMemory
        let digests: Set<String>

        /// Remembers the findings, so that the next report leaves them out.
        func keep() throws(MMError) { try memory.keep(digests) }
    }

    /// Plans the commands that restore the earlier state.
    private static func plan(
        _ proposals: [RepairProposal]?, on connection: Connection, in planning: PlanRecorder
    ) throws(MMError) -> OperationAnswer {
        guard let proposals else {
            throw MMError(
                .invalidInput, "To plan drift, add `repair`.",
                hint: "mm plan -o repair.plan -- drift \(ShellWord.quoted(connection.name)) --repair")
        }
        planning.follow(with: proposals.compactMap(\.call))
        for proposal in proposals where proposal.call == nil {
            planning.note(
                "\(proposal.kind) \(proposal.name) is not restored: \(proposal.note ?? "there is no command for it")")
        }
        return OperationAnswer(.value([]), connection: connection.name)
    }

    /// Returns the deviations of a report that a person accepts.
    /// - Throws: `forbidden` for a model, `notFound` where no finding has the name.
    private static func deviations(
        _ acceptance: Input.Acceptance, in report: DriftReport, on today: String, _ context: OperationContext
    ) throws(MMError) -> [AcceptedDeviation] {
        let caller = context.call.caller
        guard caller.surface != .mcp else {
            throw MMError(
                .forbidden, "Only a person can accept differences.", hint: "Ask the person to run mm drift --accept.")
        }
        guard acceptance.until >= today else {
            throw MMError(
                .invalidInput, "The day \(acceptance.until) has passed.", hint: "Use a day in the future.",
                details: ["field": "until"])
        }
        let found = (report.findings + (report.service?.drifts ?? [])).filter(acceptance.means)
        guard !found.isEmpty else {
            throw MMError(
                .notFound, "There are no differences in \(acceptance.names.joined(separator: ", ")).",
                hint: "mm drift CONNECTION shows the differences by kind and name.")
        }
        let person = caller.signedIn.map { $0.name ?? $0.id } ?? ThisProcess.login
        return found.map {
            AcceptedDeviation($0, reason: acceptance.reason, person: person, since: today, until: acceptance.until)
        }
    }
}

/// The findings of the last report, so that the next one contains only new ones.
struct ReportMemory {
    private let path: String
    private let against: String

    /// Creates the memory of a connection's reports.
    init(paths: StatePaths, connection: String, against: String) {
        let digest = Hex.text(SHA256.digest(connection.utf8).prefix(4))
        path = "\(paths.stateDirectory)/drift/\(StatePaths.safeName(connection))-\(digest).json"
        self.against = against
    }

    /// Returns the digests of the reported findings; empty where the report compared with something else.
    func digests() throws(MMError) -> Set<String> {
        guard let bytes = try ProtectedFile.read(path), let value = try? JSONParser.parse(bytes),
            value["against"]?.string == against
        else { return [] }
        return Set(value["reported"]?.array?.compactMap(\.string) ?? [])
    }

    /// Stores the present findings; one that disappears and comes back counts as new.
    func keep(_ digests: Set<String>) throws(MMError) {
        let value: JSONValue = [
            "against": .string(against), "reported": .array(digests.sorted().map { .string($0) }),
        ]
        try ProtectedFile.replace(path, with: JSONWriter.bytes(value))
    }
}
