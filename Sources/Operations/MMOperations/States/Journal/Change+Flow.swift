import MMCore
import MMGraph

/// Flows of Power Automate: whether they run.
extension Change {
    /// Reads out of a request to Power Automate what it would change.
    init(flow request: GraphRequest) {
        let steps = request.target.segments
        let last = steps.last?.lowercased() ?? ""
        let place = steps.dropLast()
        let path = { (steps: ArraySlice<String>) in steps.map { "/" + Self.step($0) }.joined() }
        if request.method == "POST", ["start", "stop"].contains(last), place.dropLast().last?.lowercased() == "flows" {
            self.init(
                .properties, version: "", place: path(place), keys: ["state"], subject: .init(id: place.last ?? ""),
                after: ["state": last == "start" ? "Started" : "Stopped"])
        } else {
            let isDeletion = request.method == "DELETE" && place.last?.lowercased() == "flows"
            self.init(
                .action, version: "", place: path(steps[...]), subject: .init(id: isDeletion ? last : place.last ?? ""),
                obstacle: isDeletion
                    ? "mm does not restore flows; an administrator can for 21 days"
                    : "mm knows no way to take this \(request.method) back")
        }
        service = .flow
    }

    /// Takes over the flow as it was.
    func knowing(flow answer: JSONValue) -> Change {
        guard kind == .properties else { return self }
        var change = self
        let properties = answer["properties"] ?? .null
        change.subject = Subject(id: answer["name"]?.string ?? subject.id, name: properties["displayName"]?.string)
        change.before = .object(Self.only(keys, of: properties))
        change.isBeforeKnown = true
        let state = properties["state"]?.string ?? ""
        if !["Started", "Stopped"].contains(state) { change.obstacle = "nobody but the service makes a flow \(state)" }
        return change
    }

    /// The request that starts or stops the flow as before.
    var flowInverse: [InverseRequest] {
        guard kind == .properties, let state = before?["state"]?.string else { return [] }
        return [InverseRequest("POST", "\(place)/\(state == "Started" ? "start" : "stop")")]
    }
}
