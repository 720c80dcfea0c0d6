"""What people say: studies, queries, responses, assignments, ratings, agreement, export."""
