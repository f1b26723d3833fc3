import MMCore
import MMStates

/// Compares two places: takes what has to be taken, and only what both have.
struct SnapshotComparison {
    let before: SnapshotPlace
    let after: SnapshotPlace
    /// What is compared; `nil` for what the earlier one has.
    let kinds: [SnapshotKind]?

    /// The difference, as a report.
    func report(in context: OperationContext, with services: RequestServices) async throws(MMError) -> DriftReport {
        let (before, after, kinds) = (before, after, kinds)
        return try await before.open(reading: kinds ?? SnapshotKind.standard, in: context, with: services) {
            (first) async throws(MMError) -> DriftReport in
            let compared = kinds ?? SnapshotKind.all
            // What the earlier one doesn't have can't be compared: no request for it.
            let wanted = compared.filter { first.header.read.contains($0.name) }
            return try await after.open(reading: wanted, in: context, with: services) {
                (second) async throws(MMError) -> DriftReport in
                let ids = first.ids.merging(second.ids) { $0.merging($1) { first, _ in first } }
                let difference = try SnapshotDifference(from: first, to: second, kinds: compared)
                return DriftReport(
                    difference, before: before.title, after: after.title, ids: ids)
            }
        }
    }
}
