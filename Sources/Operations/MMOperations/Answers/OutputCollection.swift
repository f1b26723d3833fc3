package import MMCore

/// The collection of a list to its end with bounded memory: a list over the budget is written to the output store while
/// it comes.
package enum OutputCollection {
    /// The place of the collected list.
    package enum Outcome: Sendable {
        /// In memory, as the bytes of a JSON array.
        case whole([UInt8])
        /// In the output store.
        case stored(StoredOutput)
    }

    /// Reads a list.
    /// - Parameters:
    ///   - stream: the list.
    ///   - outputs: the store for a long list.
    ///   - connection: the connection that the list comes from.
    ///   - budget: the size up to which the list is not stored.
    ///   - isForeign: whether other people wrote it, where its rows don't show that.
    /// - Throws: the errors of the stream or the store.
    package static func collect(
        _ stream: ItemStream, into outputs: OutputStore, connection: String, budget: OutputBudget,
        isForeign: Bool = false
    ) async throws(MMError) -> Outcome {
        var held: [ArraySlice<UInt8>] = []
        var size = 0
        while let batch = try await stream.next() {
            held += batch
            size += batch.reduce(0) { $0 + $1.count + 1 }
            if size > budget.characters {
                var writer = try outputs.begin(connection: connection)
                writer.isForeign = isForeign
                return .stored(try await store(held, then: stream, with: writer))
            }
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
        _ held: [ArraySlice<UInt8>], then stream: ItemStream, with empty: consuming OutputWriter
    ) async throws(MMError) -> StoredOutput {
        var writer = empty
        for item in held { try writer.append(row: item) }
        while let batch = try await stream.next() {
            for item in batch { try writer.append(row: item) }
        }
        writer.isForeign = writer.isForeign || stream.end().isForeign
        return try writer.finish()
    }
}
