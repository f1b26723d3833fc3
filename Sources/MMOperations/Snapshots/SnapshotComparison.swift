import MMCore
import MMStates

/// Compares two places: takes what has to be taken, and only what both have.
struct SnapshotComparison {
    let before: SnapshotPlace
    let after: SnapshotPlace
    let kinds: [SnapshotKind]

    /// The difference, as a report.
    func report(in context: OperationContext, with services: RequestServices) async throws(MMError) -> DriftReport {
        let (before, after, kinds) = (before, after, kinds)
        return try await before.open(reading: kinds, in: context, with: services) {
            (first) async throws(MMError) -> DriftReport in
            // What the earlier one doesn't have can't be compared: no request for it.
            let wanted = kinds.filter { first.header.read.contains($0.name) }
            return try await after.open(reading: wanted, in: context, with: services) {
                (second) async throws(MMError) -> DriftReport in
                let ids = first.ids.merging(second.ids) { $0.merging($1) { first, _ in first } }
                let difference = try SnapshotDifference(from: first, to: second, kinds: kinds)
                return DriftReport(
                    difference, before: before.title, after: after.title, ids: ids)
            }
        }
    }
}
