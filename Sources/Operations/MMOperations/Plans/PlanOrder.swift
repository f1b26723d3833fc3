import MMCore

/// Which steps of a plan concern the same object. A step looks only at those that share a place or an id with it: a
/// plan may have thousands.
struct PlanOrder: Sendable {
    private let steps: [PlanStep]
    /// The numbers of the steps by the place that they write, the ids that they involve, and the object that they make
    /// or delete; each within a connection and service.
    private var places: [String: [Int]] = [:]
    private var touching: [String: [Int]] = [:]
    private var making: [String: [Int]] = [:]

    init(_ steps: [PlanStep]) {
        self.steps = steps
        for (number, step) in steps.enumerated() {
            guard let change = step.change else { continue }
            let scope = Self.scope(step, change)
            places[scope + change.place.lowercased(), default: []].append(number)
            for id in change.touched { touching[scope + id, default: []].append(number) }
            if let id = change.madeOrDeleted { making[scope + id, default: []].append(number) }
        }
    }

    private static func scope(_ step: PlanStep, _ change: Change) -> String {
        "\(step.connection)\n\(change.service.rawValue)\n"
    }

    /// Returns the earlier steps that concern the same object, whether carried out or still to come, in order.
    func predecessors(of number: Int) -> [Int] {
        guard let change = steps[number].change else { return [] }
        let scope = Self.scope(steps[number], change)
        func earlier(_ list: [Int]?) -> ArraySlice<Int> { (list ?? []).prefix { $0 < number } }
        var found = Set(
            earlier(places[scope + change.place.lowercased()]).filter { place in
                steps[place].change.map { !Self.areTwo($0, change) } ?? false
            })
        if let id = change.madeOrDeleted { found.formUnion(earlier(touching[scope + id])) }
        for id in change.touched { found.formUnion(earlier(making[scope + id])) }
        return found.sorted()
    }

    /// Whether two creations in one place make two independent objects.
    private static func areTwo(_ one: Change, _ other: Change) -> Bool {
        guard one.kind == .creation, other.kind == .creation else { return false }
        let names = (one.subject.name, other.subject.name)
        return names.0 == nil && names.1 == nil ? one.after != other.after : names.0 != names.1
    }
}
