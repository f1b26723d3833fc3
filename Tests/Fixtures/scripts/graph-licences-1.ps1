if (-not (Get-MgContext)) {
    Connect-MgGraph -TenantId "5a4db0c5-7e11-4c02-9d0e-5a11db0c5e01" -Scopes "Reports.Read.All"
}
Get-MgSubscribedSku | Select-Object SkuPartNumber, ConsumedUnits, @{ n = 'Bought'; e = { $_.PrepaidUnits.Enabled } } |
    Export-Csv licences.csv -NoTypeInformation
