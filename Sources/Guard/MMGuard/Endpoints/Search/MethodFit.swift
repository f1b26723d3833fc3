/// How well a method fits what a question asks for.
enum MethodFit {
    private static let (get, post, put, patch): (UInt8, UInt8, UInt8, UInt8) = (1, 2, 4, 8)

    /// Of words that stand for one act.
    static func ofAct(_ method: UInt8, wanted: UInt8) -> Float {
        switch wanted {
        case 0: method == get ? 1 : 0.93
        case method: 1
        case get: 0.75
        default: method == get ? 0.75 : 1
        }
    }

    /// Of words that stand for a thing, which can be listed, read, made, changed and deleted.
    static func ofThing(_ method: UInt8, wanted: UInt8, onItem: Bool, isOnly: Bool) -> Float {
        let wanted = wanted == 0 ? get : wanted
        if method == wanted { return method == get && onItem ? 0.93 : 1 }
        if wanted == patch, method == put { return 0.9 }
        if method == get, !onItem { return 0.82 }
        if method == post, !onItem, isOnly, wanted != get { return 0.8 }
        return 0.6
    }
}
