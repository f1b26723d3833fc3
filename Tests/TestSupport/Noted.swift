import MMCore

/// A value that threads and tasks write and a test reads.
package final class Noted<Value: Sendable>: Sendable {
    private let value: Mutex<Value>

    package init(_ value: Value) { self.value = Mutex(value) }

    package var now: Value { value.withLock { $0 } }

    package func change(_ body: @Sendable (inout Value) -> Void) {
        value.withLock { value in
            var copy = value
            body(&copy)
            value = copy
        }
    }
}
