import MMCore
import MMOperations

/// The tools that the owner wrote, read again when a file of their folder has changed.
final class OwnTools: Sendable {
    /// The tools at one moment.
    struct Current: Sendable {
        var definitions: [ToolDefinition] = []
        var operations: [AnyOperation] = []
    }

    /// The most tools that a list shows: a model reads all of it on each turn. Further ones can be called by name.
    static let mostListed = 40
    private static let pause = Duration.seconds(2)

    private struct Loaded {
        var stamp: ToolFolder.Stamp
        var current: Current
    }

    private let services: OperationServices
    private let folder: ToolFolder
    private let loaded = Mutex<Loaded?>(nil)

    init(_ services: OperationServices) {
        self.services = services
        folder = ToolShelf.folder(services.paths)
    }

    /// The tools as they stand in the folder now.
    var current: Current {
        let stamp = folder.stamp()
        if let known = loaded.withLock({ $0 }), known.stamp == stamp { return known.current }
        let current = read()
        loaded.withLock { $0 = Loaded(stamp: stamp, current: current) }
        return current
    }

    /// Calls back whenever the folder has changed, until the task is cancelled.
    func watch(_ changed: @Sendable () -> Void) async {
        var last = folder.stamp()
        while !Task.isCancelled {
            try? await Task.sleep(for: Self.pause)
            let now = folder.stamp()
            guard now != last else { continue }
            last = now
            changed()
        }
    }

    private func read() -> Current {
        let shelf = ToolShelf.own(services.paths)
        let contents = shelf.contents()
        for problem in contents.problems { services.log.warning("a tool can't be used: \(problem.message)") }
        guard !contents.definitions.isEmpty, let engine = try? services.guards.engine() else { return Current() }
        var current = Current(
            definitions: contents.definitions,
            operations: ToolProjection.operations(of: shelf, contents, effects: ToolEffects(engine)))
        let surplus = current.operations.count - Self.mostListed
        if surplus > 0 {
            services.log.warning(
                "\(current.operations.count) tools of your own: \(Self.mostListed) are listed, \(surplus) only called by name"
            )
            for index in current.operations.indices.dropFirst(Self.mostListed) {
                current.operations[index] = current.operations[index].unlisted
            }
        }
        return current
    }
}
