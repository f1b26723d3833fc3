extension Collection where Element: Sendable {
    /// Calls an operation with every element and returns the results in the order of the elements.
    /// - Parameters:
    ///   - limit: the number of calls that are under way at a time.
    ///   - operation: the operation; it is cancelled when the caller is.
    package func concurrentMap<Value: Sendable>(
        atOnce limit: Int = .max, _ operation: @escaping @Sendable (Element) async -> Value
    ) async -> [Value] {
        await withTaskGroup(of: (Int, Value).self) { group in
            var values: [Value?] = Array(repeating: nil, count: count)
            for (place, element) in enumerated() {
                if place >= limit, let (ended, value) = await group.next() { values[ended] = value }
                group.addTask { (place, await operation(element)) }
            }
            for await (ended, value) in group { values[ended] = value }
            return values.compactMap(\.self)
        }
    }

    /// Calls an operation with every element and returns when all calls have ended.
    /// - Parameters:
    ///   - limit: the number of calls that are under way at a time.
    ///   - operation: the operation; it is cancelled when the caller is.
    package func concurrentForEach(
        atOnce limit: Int = .max, _ operation: @escaping @Sendable (Element) async -> Void
    ) async {
        _ = await concurrentMap(atOnce: limit, operation)
    }
}
