import MMFoundation
import MMGraph

struct List: Encodable {
    let displayName: String
}
