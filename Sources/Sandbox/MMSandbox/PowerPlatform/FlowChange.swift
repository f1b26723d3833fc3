/// What was done to a flow.
enum FlowChange: Sendable, Hashable {
    case deleted
    case state(String)
}
