import MMCore

/// Licences of a user or a group, by product, with their disabled service plans.
extension Change {
    /// Returns the licences after a request that assigns and removes some.
    static func licenses(_ held: [JSONValue], after asked: JSONValue?) -> [JSONValue] {
        let added = asked?["addLicenses"]?.array ?? []
        let gone = Set((asked?["removeLicenses"]?.array ?? []).compactMap { $0.string?.lowercased() })
        let new = Set(added.compactMap(product))
        return held.filter { product($0).map { !gone.contains($0) && !new.contains($0) } ?? true } + added
    }

    /// Returns the held licences of the products that a request names.
    static func touched(by asked: JSONValue?, in held: [JSONValue]) -> JSONValue {
        let added = (asked?["addLicenses"]?.array ?? []).compactMap(product)
        return entries(
            of: added + (asked?["removeLicenses"]?.array ?? []).compactMap { $0.string?.lowercased() }, in: held)
    }

    /// Returns the held licences of some products, by the product's id.
    static func entries(of products: [String], in held: [JSONValue]) -> JSONValue {
        var found = JSONObject()
        for id in Set(products).sorted() {
            guard let entry = held.first(where: { product($0) == id }) else { continue }
            let plans = (entry["disabledPlans"]?.array ?? []).compactMap { $0.string?.lowercased() }.sorted()
            found[id] = ["disabledPlans": .array(plans.map { .string($0) })]
        }
        return .object(found)
    }

    /// Returns the body of the request that turns the licences `from` into `to`.
    static func assignment(from: JSONValue?, to: JSONValue?) -> JSONValue {
        let (old, new) = (from?.object ?? [:], to?.object ?? [:])
        let added = new.filter { old[$0.key] != $0.value }.map { sku, entry -> JSONValue in
            ["skuId": .string(sku), "disabledPlans": entry["disabledPlans"] ?? []]
        }
        return [
            "addLicenses": .array(added),
            "removeLicenses": .array(old.keys.filter { new[$0] == nil }.map { .string($0) }),
        ]
    }

    private static func product(_ entry: JSONValue) -> String? { entry["skuId"]?.string?.lowercased() }
}
