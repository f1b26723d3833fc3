package import MMCore

/// Reads a list to its end with flat memory: what is over a budget goes to the output store while it comes.
package enum OutputCollection {
    /// Where the list is.
    package enum Outcome: Sendable {
        /// In these bytes: a JSON array.
        case whole([UInt8])
        /// In the store.
        case stored(StoredOutput)
    }

    /// Reads a list.
    /// - Parameters:
    ///   - stream: the list.
    ///   - outputs: takes it when it is long.
    ///   - connection: where it comes from.
    ///   - budget: what is not stored.
    /// - Throws: `MMError` of the fetch or the store.
    package static func collect(
        _ stream: ItemStream, into outputs: OutputStore, connection: String, budget: OutputBudget
    ) async throws(MMError) -> Outcome {
        var held: [ArraySlice<UInt8>] = []
        var size = 0
        while let batch = try await stream.next() {
            held += batch
            size += batch.reduce(0) { $0 + $1.count + 1 }
            if size > budget.characters { return .stored(try await store(held, then: stream, outputs, connection)) }
        }
        var bytes: [UInt8] = [UInt8(ascii: "[")]
        for (index, item) in held.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes += item
        }
        bytes.append(UInt8(ascii: "]"))
        return .whole(bytes)
    }

    private static func store(
        _ held: [ArraySlice<UInt8>], then stream: ItemStream, _ outputs: OutputStore, _ connection: String
    ) async throws(MMError) -> StoredOutput {
        var writer = try outputs.begin(connection: connection)
        for item in held { try writer.append(row: item) }
        while let batch = try await stream.next() {
            for item in batch { try writer.append(row: item) }
        }
        return try writer.finish()
    }
}
