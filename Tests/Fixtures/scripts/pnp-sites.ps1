Connect-PnPOnline https://contoso-sandbox-admin.sharepoint.com -Interactive
Get-PnPTenantSite | Select-Object Url, StorageUsageCurrent | Export-Csv sites.csv -NoTypeInformation
