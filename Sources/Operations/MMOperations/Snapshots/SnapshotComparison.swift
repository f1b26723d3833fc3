import MMCore

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
