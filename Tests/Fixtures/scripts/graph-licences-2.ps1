$connect = @{
    TenantId = 'contoso-sandbox.example'
    Scopes   = 'User.Read.All', 'Organization.Read.All'
}
Connect-MgGraph @connect | Out-Null
Get-MgSubscribedSku | Select-Object SkuPartNumber, ConsumedUnits, @{ n = 'Bought'; e = { $_.PrepaidUnits.Enabled } } |
    Export-Csv licences.csv -NoTypeInformation
Disconnect-MgGraph -ErrorAction SilentlyContinue
