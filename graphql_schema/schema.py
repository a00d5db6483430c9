"""The schema: a table of contents. Each noun brings its queries, mutations and subscriptions."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import strawberry
from graphql import GraphQLError, OperationType, get_operation_ast
from graphql.execution import experimental_execute_incrementally
from strawberry.execution.is_awaitable import optimized_is_awaitable
from strawberry.file_uploads import Upload
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.utils.await_maybe import await_maybe

from app.documents import volume
from graphql_schema.analytics import AnalyticsQuery
from graphql_schema.api_keys import ApiKeyMutation, ApiKeyQuery
from graphql_schema.batches import BatchMutation
from graphql_schema.changes import ChangeSubscription
from graphql_schema.communication_lists import CommunicationListQuery
from graphql_schema.communications import CommunicationMutation, CommunicationQuery
from graphql_schema.context import GraphqlContext
from graphql_schema.conversation_changes import ConversationMutation, InboxQuery
from graphql_schema.conversations import ConversationQuery
from graphql_schema.documents import HandedOver
from graphql_schema.executor import PlainFieldsExecutor
from graphql_schema.inbound import InboundMutation, InboundQuery
from graphql_schema.input_plans import plan_inputs
from graphql_schema.limits.known import Document
from graphql_schema.list_members import ListMemberMutation, ListMemberQuery
from graphql_schema.me import MeQuery
from graphql_schema.nodes import NodeQuery
from graphql_schema.preferences import PreferenceMutation, PreferenceQuery
from graphql_schema.provider_accounts import ProviderAccountMutation, ProviderAccountQuery
from graphql_schema.recipient_lists import RecipientListMutation, RecipientListQuery
from graphql_schema.recipient_states import RecipientStateQuery
from graphql_schema.replies import ReplyMutation
from graphql_schema.search import SearchQuery
from graphql_schema.straight import NotStraightError, Shape, Straightener
from graphql_schema.suppressions import SuppressionMutation, SuppressionQuery
from graphql_schema.template_versions import TemplateVersionMutation, TemplateVersionQuery
from graphql_schema.templates import TemplateMutation, TemplateQuery
from graphql_schema.topics import TopicMutation, TopicQuery
from graphql_schema.types.scalars import ID, INSTANT, UPLOAD


@strawberry.type(description="Everything that can be read.")
class Query(
    NodeQuery,
    CommunicationQuery,
    CommunicationListQuery,
    SearchQuery,
    ConversationQuery,
    InboxQuery,
    InboundQuery,
    AnalyticsQuery,
    TemplateQuery,
    TemplateVersionQuery,
    RecipientStateQuery,
    SuppressionQuery,
    TopicQuery,
    PreferenceQuery,
    ProviderAccountQuery,
    RecipientListQuery,
    ListMemberQuery,
    ApiKeyQuery,
    MeQuery,
):
    pass


@strawberry.type(description="Everything that can be changed.")
class Mutation(
    CommunicationMutation,
    ReplyMutation,
    BatchMutation,
    InboundMutation,
    ConversationMutation,
    TemplateMutation,
    TemplateVersionMutation,
    SuppressionMutation,
    TopicMutation,
    PreferenceMutation,
    ProviderAccountMutation,
    RecipientListMutation,
    ListMemberMutation,
    ApiKeyMutation,
):
    pass


@strawberry.type(description="Everything that can be followed: one field at a time.")
class Subscription(ChangeSubscription):
    pass


VALUE_ERRORS = 10
_UNKNOWN = object()


class LetterboxSchema(strawberry.Schema):
    def process_errors(
        self, errors: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        """Log nothing here: the library would log callers' mistakes, with their addresses in it.

        `errors.coded` logs what is our fault.
        """

    async def run(
        self,
        document: Document,
        *,
        variables: Mapping[str, Any] | None,
        operation_name: str | None,
        context: GraphqlContext,
    ) -> ExecutionResult:
        """Run a query or mutation that is parsed and checked, in one part.

        What the library's `execute` does besides (parsing, validating, asking its extensions) is
        done before. Raises what the library does for what cannot run at all.
        """
        given: dict[str, Any] = {
            "raw_variable_values": None if variables is None else dict(variables),
            "operation_name": operation_name,
            "max_coercion_errors": VALUE_ERRORS,
            "is_awaitable": optimized_is_awaitable,
            "plans": None if document.directives else document.plans,
        }
        data = await self._straight(document, given, context)
        if data is not None:
            return ExecutionResult(data=data, errors=None)
        given["variable_values"] = given.pop("raw_variable_values")
        result = experimental_execute_incrementally(
            self._schema,
            document.whole,
            context_value=GraphqlContext.of(context, context.worked_out),
            executor_class=PlainFieldsExecutor,
            **given,
        )
        finished: Any = await await_maybe(result)
        return ExecutionResult(data=finished.data, errors=finished.errors)

    async def _straight(
        self, document: Document, given: Mapping[str, Any], context: GraphqlContext
    ) -> dict[str, Any] | None:
        """Answer a query of a known shape; None for what the library is to see to."""
        name = given["operation_name"]
        if document.directives or document.shapes.get(name, _UNKNOWN) is None:
            return None
        operation = get_operation_ast(document.node, name)
        if operation is None or operation.operation is not OperationType.QUERY:
            return None
        executor = PlainFieldsExecutor.build(
            self._schema, document.node, context_value=context, **given
        )
        if not isinstance(executor, PlainFieldsExecutor):
            return None
        if name not in document.shapes:
            document.shapes[name] = self._shape(executor)
        shape: Shape | None = document.shapes[name]
        if shape is None:
            return None
        with suppress(Exception), volume.tried():
            return await shape.answer(executor, None)
        return None

    def _shape(self, executor: PlainFieldsExecutor) -> Shape | None:
        root = self._schema.query_type
        with suppress(NotStraightError, GraphQLError):
            if root is not None:
                return Straightener(executor, self.schema_converter).root(root)
        return None

    def _get_custom_context_kwargs(
        self, operation_extensions: dict[str, Any] | None = None, *, sync: bool = False
    ) -> dict[str, Any]:
        """Have few wrong values told of one operation: for each, the library prints the whole."""
        given = super()._get_custom_context_kwargs(operation_extensions, sync=sync)
        return {**given, "max_coercion_errors": VALUE_ERRORS}


schema = LetterboxSchema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    extensions=[HandedOver],
    execution_context_class=PlainFieldsExecutor,
    config=StrawberryConfig(
        scalar_map={datetime: INSTANT, Upload: UPLOAD, strawberry.ID: ID},
        enable_experimental_incremental_execution=True,
    ),
)
plan_inputs(schema)
